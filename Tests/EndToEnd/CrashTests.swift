import Foundation
import Glibc
import Testing

/// What was committed stays, whatever ends.
@Suite(.serialized) struct CrashTests {
    @Test func `a collector that is killed loses nothing it had committed, and goes on`() throws {
        let stack = try Stack.running()
        try require(within: 20, "some ticks are committed") {
            try Int(stack.sql("SELECT count(*) FROM series_rows")).map { $0 >= 5 } ?? false
        }
        let rows = try #require(Int(try stack.sql("SELECT count(*) FROM series_rows")))
        let last = try #require(Int64(try stack.sql("SELECT last_tick FROM store_state")))
        stack.collector?.signal(SIGKILL)
        stack.collector?.wait(seconds: 20)

        #expect(try stack.sql("PRAGMA integrity_check") == "ok")
        #expect(try Int(stack.sql("SELECT count(*) FROM series_rows")) ?? 0 >= rows)
        #expect(try Int64(stack.sql("SELECT last_tick FROM store_state")) ?? 0 >= last)
        // Workers answer from what is there, and say how old it is, until it is too old to be called healthy.
        let stats = try stack.get("/api/stats")
        #expect(stats.status == 200)
        #expect(try stats.json["data_timestamp"] != nil)
        try require(within: 20, "health says that the data are stale") { try stack.get("/api/health").status == 503 }
        #expect(try stack.get("/api/health").json["status"] as? String == "unhealthy")

        try stack.startCollector()
        try require(within: 20, "ticks are written again") {
            try Int64(stack.sql("SELECT last_tick FROM store_state")).map { $0 > last + 2_000_000_000 } ?? false
        }
        try require(within: 10, "health is back") { try stack.get("/api/health").status == 200 }
        #expect(try stack.sql("PRAGMA integrity_check") == "ok")
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
