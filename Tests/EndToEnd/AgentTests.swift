import ChildProcess
import Foundation
import Glibc
import Testing

/// The real agent on a real fault: somebody takes the CPUs from a program that wants little. Needs root.
@Suite(.serialized, .enabled(if: getuid() == 0)) struct AgentTests {
    private static func config(_ mode: String, _ more: String = "") -> String {
        "agent: {mode: \(mode), cycle_interval_seconds: 1, settle_seconds: 5, most_actions_per_hour: 3600\(more)}\n"
    }

    /// A hog and its victim, until they are let go.
    private final class Fault {
        let victim: ChildProcess
        let hog: ChildProcess

        init(in stack: Stack) throws {
            let log = stack.directory.appending(path: "log")
            victim = try start(Self.workload, ["periodic", "10", "2000"], directory: log)
            hog = try start(
                "setpriv", Self.nobody + ["stress-ng", "--cpu", "8", "--temp-path", "/tmp", "--timeout", "120"],
                directory: log)
        }

        /// Files of a fault of the disk.
        private var files: ScratchDirectory?

        init(ofDiskBeside stack: Stack) throws {
            let log = stack.directory.appending(path: "log")
            let scratch = ScratchDirectory()
            files = scratch
            let files = scratch.url.path
            chmod(files, 0o777)
            victim = try start(Self.workload, ["durable", "\(files)/durable", "20"], directory: log)
            let flood = [
                "stress-ng", "--hdd", "8", "--hdd-bytes", "256m", "--hdd-write-size", "4m", "--hdd-opts",
                "direct,wr-seq", "--temp-path", files, "--timeout", "120",
            ]
            hog = try start("setpriv", Self.nobody + flood, directory: log)
        }

        private static let workload = Stack.binaries.appending(path: "faultlab-workload").path
        private static let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]

        deinit { for child in [hog, victim] { child.stop(seconds: 5, group: true) } }
    }

    private static func groups() -> [String] {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/blkio"].flatMap { mount in
            ((try? FileManager.default.contentsOfDirectory(atPath: mount)) ?? []).filter {
                $0.hasPrefix("kernelsight-")
            }
        }
    }

    /// Of all its threads.
    private static func capabilities(of child: ChildProcess) throws -> UInt64 {
        let tasks = "/proc/\(child.pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).reduce(0) { all, task in
            let status = try String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapPrm:") })
            let text = line.dropFirst("CapPrm:".count).trimmingCharacters(in: .whitespaces)
            return try all | #require(UInt64(text, radix: 16))
        }
    }

    @Test func `in mode auto the hog is put down, the API says so, and a stop leaves no trace`() throws {
        let stack = try Stack.running(config: Self.config("auto"), workers: 1)
        try stack.startAgent()
        let fault = try Fault(in: stack)
        try require(within: 40, "a change stands") {
            try stack.sql("SELECT count(*) FROM decisions WHERE state = 'standing'", of: stack.agentDatabase) != "0"
        }
        let status = try stack.get("/api/agent/status")
        #expect(status.status == 200)
        #expect(status.text.contains("\"verdict\":\"helped\""))
        // The cycle is written when it has ended, which is after that.
        try require(within: 20, "the history has the cycle") {
            try stack.get("/api/agent/history").text.contains("\"VERIFY\"")
        }
        #expect(!Self.groups().isEmpty)
        #expect(stack.agent?.stop() == true)
        #expect(Self.groups().isEmpty)
        #expect(
            try stack.sql("SELECT count(*) FROM decisions WHERE state = 'standing'", of: stack.agentDatabase) == "0")
        let audit = try execute(
            Stack.binaries.appending(path: "kernelsight").path, ["agent", "audit", "--database", stack.database])
        #expect(audit.status == 0, "\(audit.output)")
        withExtendedLifetime(fault) {}
    }

    @Test func `whenever it is killed, the next one leaves no change unaccounted for`() throws {
        let stack = try Stack(config: Self.config("auto", ", cool_down_after_failure_seconds: 0"))
        try stack.startCollector()
        let fault = try Fault(in: stack)
        for state in ["executing", "verifying"] {
            try stack.startAgent()
            let agent = try #require(stack.agent)
            try require(within: 40, "a decision is \(state)") {
                try stack.sql(
                    "SELECT count(*) FROM decisions WHERE state IN ('\(state)', 'verifying')", of: stack.agentDatabase)
                    != "0"
            }
            agent.signal(SIGKILL)
            agent.wait(seconds: 5)
            try stack.write(config: Self.config("observe"))
            try stack.startAgent()
            let open = "state IN ('executing', 'verifying', 'undoing', 'stuck')"
            #expect(try stack.sql("SELECT count(*) FROM decisions WHERE \(open)", of: stack.agentDatabase) == "0")
            #expect(
                try stack.sql(
                    "SELECT count(*) FROM changes WHERE state IN ('intended', 'made')", of: stack.agentDatabase) == "0")
            #expect(Self.groups().isEmpty)
            stack.agent?.stop()
            try stack.write(config: Self.config("auto", ", cool_down_after_failure_seconds: 0"))
        }
        withExtendedLifetime(fault) {}
    }

    @Test func `in mode observe it has no capability, and in others those of its actions`() throws {
        let stack = try Stack(config: Self.config("observe"))
        try stack.startCollector()
        try stack.startAgent()
        #expect(try Self.capabilities(of: #require(stack.agent)) == 0)
        stack.agent?.stop()
        // Again, when there is an agent.db that is read before they are given up.
        try stack.startAgent()
        #expect(try Self.capabilities(of: #require(stack.agent)) == 0)
        stack.agent?.stop()
        try stack.write(config: Self.config("auto", ", actions: {enabled: [pause_process]}"))
        try stack.startAgent()
        // CAP_KILL.
        #expect(try Self.capabilities(of: #require(stack.agent)) == 1 << 5)
    }

    /// The fault belongs to another user, so that user 0 needs a capability for what needs one.
    @Test(arguments: [
        ("lower_process_priority", "+sys_nice,+dac_override"),
        ("throttle_cpu", "+dac_override"), ("pause_process", "+kill"),
        ("lower_io_priority", "+sys_nice"), ("throttle_io", "+dac_override"),
    ]) func `it can do and undo an action with the capabilities of that one alone`(
        action: String, capabilities: String
    ) throws {
        // In memory where the disk is flooded: the agent gives an action only so long, which a slow one takes for a few commits.
        let isOfDisk = action.contains("_io")
        let stack = try Stack(
            config: Self.config("auto", ", actions: {enabled: [\(action)]}"), in: isOfDisk ? "/dev/shm" : "/tmp")
        try stack.startCollector()
        try stack.startAgent(prefix: ["setpriv", "--bounding-set", "-all,\(capabilities)"])
        let fault = try isOfDisk ? Fault(ofDiskBeside: stack) : Fault(in: stack)
        let changed = "SELECT count(*) FROM decisions WHERE state IN ('verifying', 'standing')"
        try require(within: 40, "it acts") { try stack.sql(changed, of: stack.agentDatabase) != "0" }
        #expect(stack.agent?.stop() == true)
        #expect(Self.groups().isEmpty)
        let made = "SELECT count(*) FROM changes WHERE state IN ('undone', 'gone')"
        #expect(try stack.sql(made, of: stack.agentDatabase) != "0")
        #expect(
            try stack.sql("SELECT count(*) FROM changes", of: stack.agentDatabase)
                == stack.sql(made, of: stack.agentDatabase))
        withExtendedLifetime(fault) {}
    }

    @Test func `where it lacks a capability it says so and leaves no trace`() throws {
        let stack = try Stack(config: Self.config("auto", ", actions: {enabled: [pause_process]}"))
        try stack.startCollector()
        try stack.startAgent(prefix: ["setpriv", "--bounding-set", "-all"])
        let fault = try Fault(in: stack)
        let failed = "SELECT note FROM decisions WHERE state = 'undone'"
        try require(within: 40, "it tries") { try stack.sql(failed, of: stack.agentDatabase) != "" }
        #expect(try stack.sql(failed, of: stack.agentDatabase).contains("permission denied"))
        #expect(fault.hog.isRunning)
        let phase = "SELECT count(*) FROM phases WHERE phase = 'EXECUTE' AND message LIKE 'failed: %permission denied%'"
        try require(within: 20, "the cycle is written") { try stack.sql(phase, of: stack.agentDatabase) != "0" }
        stack.agent?.stop()
        #expect(
            try stack.sql("SELECT count(*) FROM changes WHERE state NOT IN ('undone', 'gone')", of: stack.agentDatabase)
                == "0")
    }

    @Test func `a decision is approved over HTTP by who has the token, and by nobody else`() throws {
        let stack = try Stack.running(config: Self.config("approve"), workers: 1)
        let token = "a-token-of-some-length"
        try stack.startAgent()
        let fault = try Fault(in: stack)
        let pending = "SELECT min(id) FROM decisions WHERE state = 'pending'"
        try require(within: 40, "a decision waits") { try stack.sql(pending, of: stack.agentDatabase) != "" }
        let id = try stack.sql(pending, of: stack.agentDatabase)
        let path = "/api/agent/decisions/\(id)/approve"
        #expect(try stack.get(path, method: "POST").status == 401)
        let bearer = ["Authorization": "Bearer \(token)"]
        #expect(try stack.get(path, method: "POST", headers: bearer).status == 401)
        let file = stack.directory.appending(path: "agent-token")
        try token.write(to: file, atomically: true, encoding: .utf8)
        chmod(file.path, 0o644)
        #expect(try stack.get(path, method: "POST", headers: bearer).status == 401, "others may read the token")
        chmod(file.path, 0o600)
        #expect(try stack.get(path, method: "POST", headers: ["Authorization": "Bearer \(token)x"]).status == 401)
        #expect(Self.groups().isEmpty)
        let answer = try stack.get(path, method: "POST", headers: bearer)
        #expect(answer.status == 202, "\(answer.text)")
        #expect(!Self.groups().isEmpty)
        #expect(try stack.get(path, method: "POST", headers: bearer).status == 409)
        let command = Stack.binaries.appending(path: "kernelsight").path
        let standing = "SELECT count(*) FROM decisions WHERE state = 'standing'"
        try require(within: 30, "it helped") { try stack.sql(standing, of: stack.agentDatabase) == "1" }
        #expect(
            try execute(command, ["agent", "status", "--database", stack.database]).output.contains(
                "standing: decision"))
        let undo = try execute(command, ["agent", "undo", "--all", "--database", stack.database])
        #expect(undo.output == "1 taken back\n" && undo.status == 0, "\(undo.output)")
        #expect(Self.groups().isEmpty)
        // What it did not propose, a person may order.
        let loud = "SELECT max(id) FROM signal_metadata WHERE state = 'open' AND signal_type = 'load_mismatch'"
        try require(within: 40, "the signal is open again") {
            let signal = try stack.sql(loud + " AND current_severity <> 'low'", of: stack.database)
            guard !signal.isEmpty else { return false }
            let order = try execute(
                command, ["agent", "do", "pause_process", "--signal", signal, "--database", stack.database])
            return order.output.hasPrefix("executing pause_process on")
        }
        #expect(try String(contentsOfFile: "/proc/\(fault.hog.pid)/stat", encoding: .utf8).contains(") T "))
        // Whether it helps depends on how long the signal has been open again. What does not is taken back.
        func order(_ column: String) throws -> String {
            let row = "SELECT coalesce(\(column), '') FROM decisions WHERE reason = 'a person wanted it'"
            return try stack.sql(row, of: stack.agentDatabase)
        }
        try require(within: 30, "it is verified") { try ["standing", "undone"].contains(order("state")) }
        let (state, verdict) = (try order("state"), try order("verdict"))
        #expect((state == "standing") == (verdict == "helped"), "\(state), \(verdict)")
        let isStopped = try String(contentsOfFile: "/proc/\(fault.hog.pid)/stat", encoding: .utf8).contains(") T ")
        #expect(isStopped == (state == "standing"))
        #expect(try stack.get("/api/agent/decisions/999999/reject", method: "POST", headers: bearer).status == 404)
        withExtendedLifetime(fault) {}
    }

    @Test func `a second agent, and a broken database, are refused with what to do`() throws {
        let stack = try Stack(config: Self.config("observe"))
        try stack.startCollector()
        try stack.startAgent()
        let program = Stack.binaries.appending(path: "kernelsight-agent").path
        let second = try execute(program, ["--database", stack.database], seconds: 10)
        #expect(second.status == 1)
        #expect(second.output.contains("\(try #require(stack.agent).pid)"), "\(second.output)")
        stack.agent?.stop()
        try Data(repeating: 7, count: 8192).write(to: URL(filePath: stack.agentDatabase))
        let broken = try execute(program, ["--database", stack.database], seconds: 10)
        #expect(broken.status == 1)
        #expect(broken.output.contains("agent.db"), "\(broken.output)")
    }
}
