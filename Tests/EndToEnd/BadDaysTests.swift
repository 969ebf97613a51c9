import Foundation
import Glibc
import Testing

/// Wrong files, and what each process says about them.
@Suite(.serialized) struct BadDaysTests {
    @Test(arguments: [
        ("colour: blue\n", "colour"),
        ("tracers: { sampling: { syscall_tracer: many } }\n", "tracers.sampling.syscall_tracer"),
        ("advanced: { signal_batch_size: -1 }\n", "advanced.signal_batch_size"),
        ("tracers: [\n", "YAML"),
    ])
    func `a bad configuration stops the start with a line that says what is allowed`(text: String, named: String) throws
    {
        let stack = try Stack(config: text)
        let config = stack.directory.appending(path: "config.yaml").path
        for (program, rest) in [
            ("kernelsight-collector", ["--database", stack.database, "--run", stack.directory.path]),
            ("kernelsight-api", ["--database", stack.database, "--socket", "\(stack.directory.path)/s"]),
        ] {
            let result = try execute(Stack.binaries.appending(path: program).path, ["--config", config] + rest)
            #expect(result.status != 0)
            #expect(result.output.contains("config.yaml:"), "\(program): \(result.output)")
            #expect(result.output.contains(named), "\(program): \(result.output)")
        }
    }

    @Test func `a bad configuration at SIGHUP changes nothing and is reported`() throws {
        let stack = try Stack()
        try stack.startCollector()
        try stack.write(config: "nonsense: 1\n")
        stack.collector?.signal(SIGHUP)
        try require(within: 10, "the refusal is in the database") {
            try stack.sql("SELECT message FROM components WHERE component = 'collector'").contains("nonsense")
        }
        try stack.write(config: "")
        stack.collector?.signal(SIGHUP)
        try require(within: 10, "the good file is taken") {
            try !stack.sql("SELECT message FROM components WHERE component = 'collector'").contains("nonsense")
        }
    }

    @Test func `workers answer 503 without a database and recover when it appears`() throws {
        let stack = try Stack()
        try stack.startWorker(1)
        try stack.startNginx(workers: 1)
        try require(within: 10, "nginx and the worker answer") { try stack.get("/api/health/live").status == 200 }
        for path in ["/api/health", "/api/health/ready", "/api/signals", "/api/stats"] {
            let reply = try stack.get(path)
            #expect(reply.status == 503, "\(path)")
        }
        #expect(try stack.get("/api/signals").headers["content-type"] == "application/problem+json")
        try stack.startCollector()
        try require(within: 10, "ready") { try stack.get("/api/health/ready").status == 200 }
    }

    @Test func `a database of a newer schema is refused by everybody`() throws {
        let stack = try Stack()
        try stack.startCollector()
        stack.collector?.stop()
        _ = try execute("/usr/bin/sqlite3", [stack.database, "PRAGMA user_version = 999"])
        let collector = try execute(
            Stack.binaries.appending(path: "kernelsight-collector").path,
            ["--config", "/dev/null", "--database", stack.database, "--run", stack.directory.path])
        #expect(collector.status != 0)
        #expect(collector.output.contains("999"), "\(collector.output)")
        try stack.startWorker(1)
        try stack.startNginx(workers: 1)
        try require(within: 10, "the worker lives") { try stack.get("/api/health/live").status == 200 }
        let reply = try stack.get("/api/signals")
        #expect(reply.status == 503)
        #expect(String(decoding: reply.body, as: UTF8.self).contains("999"))
    }

    @Test func `a truncated database is reported as damaged, not served`() throws {
        let stack = try Stack()
        try stack.startCollector()
        stack.collector?.stop()
        truncate(stack.database, 5000)
        let collector = try execute(
            Stack.binaries.appending(path: "kernelsight-collector").path,
            ["--config", "/dev/null", "--database", stack.database, "--run", stack.directory.path])
        #expect(collector.status != 0)
        #expect(collector.output.contains(stack.database), "\(collector.output)")
        try stack.startWorker(1)
        try stack.startNginx(workers: 1)
        try require(within: 10, "the worker lives") { try stack.get("/api/health/live").status == 200 }
        #expect(try stack.get("/api/stats").status == 503)
    }

    @Test func `bad parameters are all named in one problem`() throws {
        let stack = try Stack.running(workers: 1)
        let reply = try stack.get("/api/signals?severity=awful&limit=0&lookback_minutes=99999&colour=blue")
        #expect(reply.status == 422)
        #expect(reply.headers["content-type"] == "application/problem+json")
        let text = String(decoding: reply.body, as: UTF8.self)
        for name in ["severity", "limit", "lookback_minutes", "colour"] { #expect(text.contains(name), "\(text)") }
        #expect(try stack.get("/api/nothing").status == 404)
        #expect(try stack.get("/api/stats", method: "DELETE").status == 405)
    }
}
