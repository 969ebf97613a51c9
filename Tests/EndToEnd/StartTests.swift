import Foundation
import Glibc
import Testing

/// Where the collector may write, and what it says where it may not. Needs root.
@Suite(.serialized) struct StartTests {
    private func collector(_ arguments: String..., as user: String? = nil) throws -> (output: String, status: Int32) {
        let binary = Stack.binaries.appending(path: "kernelsight-collector").path
        let command = (user.map { ["/usr/bin/setpriv", "--reuid", $0, "--clear-groups"] } ?? []) + [binary]
        return try execute(command[0], command.dropFirst() + ["--config", "/dev/null"] + arguments)
    }

    @Test func `the collector makes its directories in an empty one`() throws {
        let stack = try Stack()
        let data = stack.directory.appending(path: "data").path
        let child = try start(
            Stack.binaries.appending(path: "kernelsight-collector").path,
            ["--config", "/dev/null", "--database", "\(data)/kernelsight.db"], directory: stack.directory)
        defer { child.stop() }
        try require(within: 20, "the control socket listens") {
            guard child.isRunning else { throw HTTPFailure("the collector ended: \(child.output)") }
            return access("\(data)/run/collector.sock", F_OK) == 0
        }
        var info = stat()
        #expect(stat(data, &info) == 0 && info.st_mode & 0o777 == 0o755)
        #expect(access("\(data)/kernelsight.db", F_OK) == 0)
    }

    @Test func `every thread of the collector has given up what it does not need`() throws {
        let stack = try Stack()
        try stack.startCollector()
        let pid = try #require(stack.collector?.pid)
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
        #expect(tasks.count > 1)
        for task in tasks {
            let status = try String(contentsOfFile: "/proc/\(pid)/task/\(task)/status", encoding: .utf8)
            // CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
            #expect(status.contains("CapEff:\t000000c000080004\n"), "\(status)")
            #expect(status.contains("CapBnd:\t000000c000080004\n"))
            #expect(status.contains("NoNewPrivs:\t1\n"))
        }
    }

    @Test func `a path whose directory is far from existing is refused and not made`() throws {
        let result = try collector("--database", "/tmp/kernelsight-none/data/kernelsight.db")
        #expect(result.status != 0)
        #expect(result.output.contains("cannot make the directory /tmp/kernelsight-none/data"), "\(result.output)")
        #expect(access("/tmp/kernelsight-none", F_OK) != 0)
    }

    @Test func `a data directory or file of another user is refused with its owner and what helps`() throws {
        let stack = try Stack()
        let path = stack.directory.path
        // Root without the right to pass over permissions, as the collector is after attaching.
        chown(path, 65534, 65534)
        let root = try collector("--database", stack.database, "--run", "\(path)/run")
        #expect(root.status != 0)
        #expect(root.output.contains("\(path): belongs to uid 65534 and uid 0 cannot write to it"), "\(root.output)")
        #expect(root.output.contains("run this as uid 65534"), "\(root.output)")

        chown(path, 0, 0)
        try stack.startCollector()
        stack.collector?.stop()
        for file in [stack.database, "\(stack.database)-wal"] {
            chown(file, 65534, 65534)
            let other = try collector("--database", stack.database, "--run", "\(path)/run")
            #expect(other.output.contains("\(file): belongs to uid 65534 and uid 0 cannot"), "\(other.output)")
            chown(file, 0, 0)
        }

        let nobody = try collector("--database", stack.database, "--run", "\(path)/run", as: "nobody")
        #expect(nobody.status != 0)
        #expect(nobody.output.contains("belongs to uid 0 and uid 65534 cannot write to it"), "\(nobody.output)")
    }

    @Test func `a SIGHUP while the collector starts does not end it`() throws {
        let stack = try Stack()
        let child = try start(
            Stack.binaries.appending(path: "kernelsight-collector").path,
            ["--config", "/dev/null", "--database", stack.database], directory: stack.directory)
        defer { child.stop() }
        try require(within: 20, "SIGHUP is ignored") {
            let status = try String(contentsOfFile: "/proc/\(child.pid)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("SigIgn:") } ?? ""
            let ignored = line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
            return ignored & 1 << UInt64(SIGHUP - 1) != 0
        }
        #expect(access(stack.database, F_OK) != 0, "that is long before it has attached and opened its database")
        try require(within: 20, "the collector writes") {
            child.signal(SIGHUP)
            guard child.isRunning else { throw HTTPFailure("the collector ended: \(child.output)") }
            return try stack.sql("SELECT last_tick > 0 FROM store_state") == "1"
        }
        try require(within: 10, "it reads its configuration again") {
            child.signal(SIGHUP)
            return child.output.contains("configuration read again")
        }
    }

    @Test func `SIGHUP takes over what it can and names what waits for a restart`() throws {
        let stack = try Stack()
        try stack.startCollector()
        let collector = try #require(stack.collector)
        func message(_ component: String) throws -> String {
            try stack.sql("SELECT message FROM components WHERE component = '\(component)'")
        }
        try stack.write(config: "tracers: {enabled: []}\nretention: {signals_days: 5}\napi: {threads: 9}\n")
        collector.signal(SIGHUP)
        try require(within: 10, "the row names the key") {
            try message("collector") == "restart the collector for what has changed: tracers.enabled"
        }
        #expect(collector.output.contains("needs a restart: tracers.enabled\n"), "\(collector.output)")
        try require(within: 10, "retention has changed") { try message("retention").hasPrefix("keeps signals 5 d,") }
        try stack.write(config: "")
        collector.signal(SIGHUP)
        try require(within: 10, "nothing waits any more") { try !message("collector").contains("restart") }
    }
}
