import Model
import Testing

@testable import Store

struct FindingDetailsTests {
    private func roundTrip(_ finding: Finding) -> (culprits: [Culprit], victims: [Victim], evidence: [Evidence]) {
        var parties: [FindingDetails.Party] = []
        var inputs: [FindingDetails.Input] = []
        var written = JSONWriter()
        FindingDetails.write(finding, to: &written) { party in
            parties.append(party)
            return Int64(parties.count)
        } input: { input in
            inputs.append(input)
            return Int64(inputs.count)
        }
        return written.withBytes {
            FindingDetails.read($0) {
                parties[Int($0) - 1]
            } input: {
                inputs[Int($0) - 1]
            }
        }
    }

    private func finding(_ evidence: [Evidence]) -> Finding {
        let process = ProcessIdentity(pid: 4_194_303, startTicks: 1 << 52)
        return Finding(
            message: Message(.init(summary: ""), []), evidence: evidence,
            culprits: (0..<3).map {
                Culprit(process: process, comm: "c\($0)", cgroup: "/\($0)", share: 0.25, measure: "CPU time")
            },
            victims: [Victim(process: process, comm: "", cgroup: "/", stallMillisecondsPerSecond: 0, stall: "x")])
    }

    @Test func `what is written is read back, with and without what an input may lack`() {
        let usual = Evidence.Usual(median: 1e-7, p95: 2.5e9, hour: nil)
        let inputs = [
            Evidence(metric: "a", value: -3.5, unit: "ms", threshold: 0.125, window: 1, baseline: usual),
            Evidence(metric: "b", value: 123_400, unit: "ms", window: 1.5),
            Evidence(metric: "c", value: 0, unit: "", threshold: 5, window: 1),
            Evidence(metric: "d", value: 1, unit: "", window: 1, baseline: .init(median: 0, p95: 1, hour: 23)),
        ]
        let written = finding(inputs)
        let read = roundTrip(written)
        #expect(read.culprits == written.culprits)
        #expect(read.victims == written.victims)
        #expect(read.evidence == inputs)
    }

    @Test func `numbers keep four significant digits`() {
        let read = roundTrip(
            finding([Evidence(metric: "a", value: 0.123_456_789, unit: "s", threshold: 98_765_432.1, window: 1)]))
        #expect(read.evidence.first?.value == 0.1235)
        #expect(read.evidence.first?.threshold == 98_770_000)
    }

    @Test(arguments: [
        "", "[", "[]", "[[", "[[[", "[[[1", "[[[1,2,", "[[[1,2,3,4,0.5,6],", "x", "[[],[],[[1,2]]]", "[[[-,e]]]",
        "[[],[],[[1,2,3,4,1e30]]]", "[[],[],[[1,2,3,4,nan]]]", "[[[1e30,-1,9223372036854775807,0.5]]]",
    ])
    func `what is cut off or foreign is no crash`(_ text: String) {
        let read = text.utf8.withContiguousStorageIfAvailable {
            FindingDetails.read(UnsafeRawBufferPointer($0)) {
                FindingDetails.Party(comm: "\($0)", cgroup: "/", measure: "")
            } input: {
                FindingDetails.Input(metric: "\($0)", unit: "", window: 1)
            }
        }
        #expect(read?.culprits.count ?? 0 <= 1)
    }
}
