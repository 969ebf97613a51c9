import ChildProcess
import Foundation
import Glibc
import Testing

/// What was committed stays, whatever ends.
@Suite(.serialized) struct CrashTests {
    @Test func `a collector that is killed in the middle of writing loses nothing it had committed, and goes on`()
        throws
    {
        // Nearly every call is an event, so that a commit has thousands of rows and takes a while.
        let stack = try Stack.running(
            config: """
                tracers: { sampling: { syscall_tracer: 5000 }, event_threshold_ms: { syscall_tracer: 0.002 } }
                overhead: { budget_percent: 100 }

                """)
        let load = try start(
            "/bin/dd", ["if=/dev/zero", "of=/dev/null", "bs=64k"], directory: stack.directory.appending(path: "log"))
        defer { load.stop() }

        /// What is committed, as numbers that only grow.
        func committed() throws -> [Int] {
            try stack.sql("SELECT last_tick, (SELECT sum(rows) FROM event_usage), last_signal_id FROM store_state")
                .split(separator: "|").compactMap { Int($0) }
        }
        var before = try committed()
        for kill in 1...3 {
            try require(within: 20, "commits are large, kill \(kill)") { try committed()[1] > before[1] + 5000 }
            let collector = try #require(stack.collector)
            try stopInATransaction(collector, WAL(database: stack.database))
            before = try committed()
            collector.signal(SIGKILL)
            collector.wait(seconds: 20)

            #expect(try stack.sql("PRAGMA integrity_check") == "ok")
            let after = try committed()
            #expect(zip(after, before).allSatisfy { $0 >= $1 }, "kill \(kill): \(before) became \(after)")
            #expect(
                try stack.sql("SELECT sum(rows) FROM event_usage")
                    == stack.sql(
                        "SELECT (SELECT count(*) FROM syscall_events) + (SELECT count(*) FROM sched_events)"
                            + " + (SELECT count(*) FROM page_fault_events) + (SELECT count(*) FROM io_events)"))
            #expect(
                try stack.sql(
                    "SELECT ifnull(sum(low + medium + high + critical), 0) FROM rollups WHERE span = 0 AND type = 0")
                    == stack.sql("SELECT count(*) FROM signals"))
            if kill < 3 { try stack.startCollector() }
        }

        // Workers answer from what is there, and say how old it is, until it is too old to be called healthy.
        let last = try committed()[0]
        let commit = Int(try stack.sql("SELECT last_commit FROM store_state"))
        try require(within: 10, "statistics are those of the last commit") {
            try stack.get("/api/stats").json["data_timestamp_ns"] as? Int == commit
        }
        let health = try stack.get("/api/health").json
        let age = try #require(health["data_age_seconds"] as? Double)
        #expect(abs(Date().timeIntervalSince1970 - Double(last) / 1e9 - age) < 1, "\(health)")
        let time = ISO8601DateFormatter()
        time.formatOptions.insert(.withFractionalSeconds)
        let told = try #require((health["data_timestamp"] as? String).flatMap(time.date(from:)))
        #expect(abs(told.timeIntervalSince1970 - Double(last) / 1e9) < 0.01, "\(health)")
        try require(within: 20, "health says that the data are stale") { try stack.get("/api/health").status == 503 }
        #expect(try stack.get("/api/health").json["status"] as? String == "unhealthy")

        try stack.startCollector()
        try require(within: 20, "ticks are written again") { try committed()[0] > last + 2_000_000_000 }
        try require(within: 10, "health is back") { try stack.get("/api/health").status == 200 }
        #expect(try stack.sql("PRAGMA integrity_check") == "ok")
    }

    /// Stops a process (SIGSTOP) while the WAL holds a part of a transaction.
    private func stopInATransaction(_ process: ChildProcess, _ wal: WAL) throws {
        try require(within: 60, "it is stopped in the middle of a transaction") {
            let before = wal.changed
            let deadline = ContinuousClock.now + .seconds(5)
            while wal.changed.tv_sec == before.tv_sec, wal.changed.tv_nsec == before.tv_nsec {
                guard ContinuousClock.now < deadline else { return false }
            }
            process.signal(SIGSTOP)
            try require(within: 5, "it stands still") {
                try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8).contains("State:\tT")
            }
            if wal.endsInATransaction { return true }
            process.signal(SIGCONT)
            return false
        }
    }

    @Test func `a disk that fills up is in the log once, and so is that there is room again`() throws {
        let stack = try Stack()
        let mount = stack.directory.appending(path: "small").path
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        let mounted = try execute("/bin/mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", mount])
        try #require(mounted.status == 0, "\(mounted.output)")
        defer { _ = try? execute("/bin/umount", ["-l", mount]) }
        let collector = try start(
            Stack.binaries.appending(path: "kernelsight-collector").path,
            ["--config", "/dev/null", "--database", "\(mount)/kernelsight.db"], directory: stack.directory)
        defer { collector.stop() }
        try require(within: 30, "the collector writes") {
            guard collector.isRunning else { throw HTTPFailure("the collector ended: \(collector.output)") }
            let ticks = try execute(
                "/usr/bin/sqlite3", ["-readonly", "\(mount)/kernelsight.db", "SELECT last_tick > 0 FROM store_state"])
            return ticks.output == "1\n"
        }
        // As much as there is room for.
        try execute("/bin/dd", ["if=/dev/zero", "of=\(mount)/ballast", "bs=4k"])
        try require(within: 30, "the log says that the disk is full") { collector.output.contains("cannot write: ") }
        unlink("\(mount)/ballast")
        try require(within: 30, "the log says that it writes again") { collector.output.contains("writes again") }
        let log = collector.output
        #expect(log.components(separatedBy: "cannot write: ").count == 2, "\(log)")
        #expect(log.contains("make some on the database's file system"), "\(log)")
    }

    @Test func `a second collector on the same database refuses to start`() throws {
        let stack = try Stack()
        try stack.startCollector()
        let second = try execute(
            Stack.binaries.appending(path: "kernelsight-collector").path,
            ["--config", "/dev/null", "--database", stack.database, "--run", "/tmp"])
        #expect(second.status != 0)
        #expect(second.output.contains("\(stack.collector?.pid ?? 0)"), "it names who writes: \(second.output)")
    }
}
