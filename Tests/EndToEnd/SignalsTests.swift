import ChildProcess
import Foundation
import Testing

/// The way of a fault through the whole product, to whoever asks nginx. What is said of which fault is tested by the
/// FaultLab. Needs root, BPF and stress-ng.
@Suite struct SignalsTests {
    @Test func `a busy CPU that starves a periodic task is in the answers of the API, and closes`() throws {
        let stack = try Stack.running()
        let victim = try start(
            ChildProcess.ours("faultlab-workload"), ["periodic", "10", "3000"], directory: stack.directory)
        try require(within: 10, "the victim is ready") { victim.output.contains("ready") }
        let fault = try start("stress-ng", ["--cpu", "8", "--timeout", "60"], directory: stack.directory)
        var open: [[String: Any]] = []
        // How soon it opens, and closes, is for the FaultLab to say.
        try require(within: 30, "an open signal that names stress-ng; there were: \(open)") {
            let reply = try stack.get("/api/signals?state=open&severity=medium&signal_type=load_mismatch").json
            open = reply["signals"] as? [[String: Any]] ?? []
            let culprits = open.first?["culprits"] as? [[String: Any]] ?? []
            return (culprits.first?["comm"] as? String)?.hasPrefix("stress-ng") == true
        }
        let id = try #require(open.first?["id"] as? Int)
        let evidence = try stack.get("/api/signals/\(id)").json["evidence"] as? [[String: Any]]
        #expect(evidence?.first?["metric"] as? String == "pressure.cpu.some")
        fault.stop(group: true)
        try require(within: 40, "the signal closes") {
            try stack.get("/api/signals/\(id)").json["state"] as? String == "closed"
        }
    }
}
