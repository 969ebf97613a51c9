import ChildProcess
import FaultLab
import Foundation
import Glibc
import Testing

/// A running stack, a victim that has settled, and a fault to come.
final class Scene {
    let stack: Stack
    private let victim: ChildProcess

    /// Starts the stack and the victim, and waits until the victim is at work.
    init(victim script: String, _ arguments: String..., in group: MemoryGroup? = nil) throws {
        let stack = try Stack.running()
        self.stack = stack
        let path = Stack.sources.appending(path: "Tests/EndToEnd/Workloads/\(script)").path
        let files = arguments.map { $0.hasSuffix(".dat") ? stack.directory.appending(path: $0).path : $0 }
        victim = try launch("/usr/bin/env", ["python3", "-u", path] + files, in: group, directory: stack.directory)
        try require(within: 60, "the victim is ready") { self.victim.output.contains("ready") }
    }

    /// Starts a program beside the victim.
    func start(_ program: String, _ arguments: [String], in group: MemoryGroup? = nil) throws -> ChildProcess {
        try launch(program, arguments, in: group, directory: stack.directory)
    }

    /// Waits for an open signal of each type, above low, whose first culprit is called `comm…`.
    func expect(_ types: [String], causedBy comm: String, within seconds: Double = 5) throws {
        var missing = Set(types)
        var seen = ""
        let all = eventually(within: seconds) {
            let reply = try stack.get("/api/signals?state=open&severity=medium&limit=100").json
            seen = "\(reply["summary"] ?? "") \(summaries(reply))"
            for signal in reply["signals"] as? [[String: Any]] ?? [] {
                let culprits = signal["culprits"] as? [[String: Any]] ?? []
                if let type = signal["signal_type"] as? String,
                    (culprits.first?["comm"] as? String)?.hasPrefix(comm) == true
                {
                    missing.remove(type)
                }
            }
            return missing.isEmpty
        }
        #expect(all, "missing \(missing.sorted()) caused by \(comm); there were: \(seen)")
    }

    /// Waits until no signal of these types is open.
    func expectClosed(_ types: [String], within seconds: Double = 15) throws {
        var seen = ""
        let closed = eventually(within: seconds) {
            let reply = try stack.get("/api/signals?state=open&severity=medium&limit=100").json
            seen = summaries(reply)
            let open = (reply["signals"] as? [[String: Any]] ?? []).compactMap { $0["signal_type"] as? String }
            return Set(open).isDisjoint(with: types)
        }
        #expect(closed, "still open: \(seen)")
    }

    private func summaries(_ reply: [String: Any]) -> String {
        (reply["signals"] as? [[String: Any]] ?? []).map {
            "[\($0["signal_type"] ?? "") \($0["severity"] ?? "") \($0["summary"] ?? "")]"
        }.joined(separator: " ")
    }

    deinit { victim.stop() }
}

private func launch(
    _ program: String, _ arguments: [String], in group: MemoryGroup?, directory: URL
) throws -> ChildProcess {
    guard let group else { return try EndToEndTests.start(program, arguments, directory: directory) }
    // A shell of three words that puts itself into the group and becomes the program.
    return try EndToEndTests.start(
        "/bin/sh", ["-c", "echo $$ > \"$0\"; exec \"$@\"", group.processes, program] + arguments, directory: directory)
}
