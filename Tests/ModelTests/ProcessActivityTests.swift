import Model
import Testing

@Suite struct ProcessActivityTests {
    @Test func `what tracers and proc know of one process is joined`() {
        let identity = ProcessIdentity(pid: 7, startTicks: 70)
        var reading = ProcessReading(identity: identity, comm: "db")
        reading.residentBytes = 4096
        let merged = ProcessActivity.merge(traced: [ProcessActivity(identity: identity, comm: "db")], read: [reading])
        #expect(merged.count == 1)
        #expect(merged[0].proc?.residentBytes == 4096)
    }

    @Test func `that a process asked to come last is known from proc where no tracer knows it`() {
        var reading = ProcessReading(identity: ProcessIdentity(pid: 7, startTicks: 70), comm: "backup")
        reading.comesLast = true
        #expect(ProcessActivity.merge(traced: [], read: [reading]).map(\.comesLast) == [true])
        // The tracer knows every thread, /proc the first one only.
        let traced = ProcessActivity(identity: reading.identity, comm: "backup")
        #expect(ProcessActivity.merge(traced: [traced], read: [reading]).map(\.comesLast) == [false])
    }

    @Test func `a pid that is reused is another process`() {
        let old = ProcessActivity(identity: ProcessIdentity(pid: 7, startTicks: 70), comm: "old", exited: true)
        let new = ProcessReading(identity: ProcessIdentity(pid: 7, startTicks: 71), comm: "new")
        let merged = ProcessActivity.merge(traced: [old], read: [new])
        #expect(merged.map(\.comm) == ["old", "new"])
        #expect(merged[0].proc == nil)
    }

    @Test func `what a shell shows of the I/O of a child that has ended is the child's`() {
        func process(_ pid: Int32, _ comm: String, calls milliseconds: UInt64, exited: Bool = false) -> ProcessActivity
        {
            ProcessActivity(
                identity: ProcessIdentity(pid: pid, startTicks: 1), parent: exited ? 10 : 1, comm: comm, exited: exited,
                calls: [.blockingIO: .init(count: 1, latencyNanoseconds: milliseconds * 1_000_000)])
        }
        func writing(_ shell: ProcessActivity) -> [String: Double?] {
            var reading = ProcessReading(identity: shell.identity, comm: shell.comm)
            reading.writeBytesPerSecond = 5e8
            let children = [process(11, "dd", calls: 300, exited: true), process(12, "true", calls: 1, exited: true)]
            let merged = ProcessActivity.merge(traced: [shell] + children, read: [reading])
            return Dictionary(uniqueKeysWithValues: merged.map { ($0.comm, $0.proc?.writeBytesPerSecond) })
        }
        #expect(writing(process(10, "sh", calls: 2)) == ["sh": nil, "dd": 5e8, "true": nil])
        // A service that writes by itself and runs a program now and then.
        #expect(writing(process(10, "java", calls: 900)) == ["java": 5e8, "dd": nil, "true": nil])
    }

    @Test func `the scheduler's count of CPU time goes before proc's`() {
        var activity = ProcessActivity(identity: ProcessIdentity(pid: 1, startTicks: 1), comm: "x")
        #expect(activity.cpuNanoseconds(interval: 1) == nil)
        var reading = ProcessReading(identity: activity.identity, comm: "x")
        reading.cpuShare = 0.5
        activity.proc = reading
        #expect(activity.cpuNanoseconds(interval: 2) == 1e9)
        activity.scheduling = .init()
        #expect(activity.cpuNanoseconds(interval: 2) == 0)
    }
}
