import Foundation
import Glibc
import Testing

/// SIGHUP to a worker: it takes over what it can, says what it cannot, and never ends.
@Suite(.serialized) struct WorkerReloadTests {
    @Test func `a worker takes over a new freshness limit, and keeps the old one when the file is bad`() throws {
        let stack = try Stack.running(workers: 1)
        let worker = try #require(stack.workers[1])
        #expect(stack.collector?.stop() == true)

        func reload(_ config: String) throws {
            try stack.write(config: config)
            worker.signal(SIGHUP)
        }
        func become(_ status: Int) throws {
            try require(within: 20, "ready says \(status); log: \(worker.output)") {
                try stack.get("/api/health/ready").status == status
            }
        }
        try reload("api: {freshness_limit_seconds: 3}")
        try become(503)
        try reload("api: {freshness_limit_seconds: 3600, threads: 8}\ndatabase: {path: /elsewhere.db}\n")
        try become(200)
        // --database is what counts on this command line.
        let log = worker.output
        #expect(log.contains("needs a restart: api.threads\n"), "\(log)")
        try reload("api: {freshness_limit_seconds: none}")
        try require(within: 20, "the bad file is reported") { worker.output.contains("the old one stays in force") }
        #expect(worker.output.contains("config.yaml:1: api.freshness_limit_seconds:"))
        #expect(try stack.get("/api/health/ready").status == 200)
        #expect(worker.stop())
        #expect(worker.exitStatus == 0)
    }

    @Test func `a worker that gets SIGHUP while it starts reads its configuration again and serves`() throws {
        let directory = URL(fileURLWithPath: "/tmp/kernelsight-hup-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        // A pipe in place of the file holds the worker where it reads it, for as long as the test likes.
        let config = directory.appending(path: "config.yaml").path
        try #require(mkfifo(config, 0o600) == 0)
        func answer(_ text: String) throws -> () -> Void {
            var pipe: Int32 = -1
            try require(within: 20, "the worker reads its configuration") {
                pipe = open(config, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                return pipe >= 0
            }
            return {
                write(pipe, text, text.utf8.count)
                close(pipe)
            }
        }
        let socket = directory.appending(path: "s").path
        let worker = try start(
            Stack.binaries.appending(path: "kernelsight-api").path,
            ["--config", config, "--socket", socket, "--database", "/nonexistent.db"], directory: directory)
        let first = try answer("api: {threads: 2}")
        worker.signal(SIGHUP)
        first()
        try require(within: 20, "the worker serves; log: \(worker.output)") { access(socket, F_OK) == 0 }
        try answer("api: {threads: 3}")()
        try require(within: 20, "it read its configuration again; log: \(worker.output)") {
            worker.output.contains("needs a restart: api.threads")
        }
        #expect(worker.stop())
        #expect(worker.exitStatus == 0)
    }
}
