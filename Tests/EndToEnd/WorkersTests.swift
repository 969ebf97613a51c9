import Foundation
import Glibc
import Synchronization
import Testing

/// Workers come and go; people in front of nginx do not notice.
@Suite(.serialized) struct WorkersTests {
    @Test func `no request fails while one worker is killed, another is drained, and nginx reads its configuration`()
        throws
    {
        let stack = try Stack.running(workers: 2)
        let port = stack.port
        let total = 10_000
        let connections = 50
        let sent = Atomic<Int>(0)
        let failures = Mutex<[String]>([])
        // Health is never cached, and no two of the other URLs are the same: every reply comes from a worker.
        let path: @Sendable (Int) -> String = { number in
            number % 2 == 0
                ? "/api/health" : "/api/signals?limit=\(1 + number % 1000)&lookback_minutes=\(1 + number / 1000)"
        }

        let group = DispatchGroup()
        for _ in 0..<connections {
            Thread.detachInGroup(group) {
                while true {
                    let number = sent.add(1, ordering: .relaxed).newValue
                    guard number <= total else { return }
                    do {
                        let reply = try request(path(number), port: port)
                        if reply.status != 200 { failures.withLock { $0.append("\(path(number)): \(reply.status)") } }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
        }
        func reached(_ share: Double) throws {
            try require(within: 120, "\(share) of the requests") {
                sent.load(ordering: .relaxed) >= Int(Double(total) * share)
            }
        }
        try reached(0.2)
        stack.workers[1]?.signal(SIGKILL)
        stack.workers[1]?.wait(seconds: 20)
        try reached(0.4)
        try stack.startWorker(1)
        try reached(0.5)
        stack.nginx?.signal(SIGHUP)
        try reached(0.6)
        let drained = try #require(stack.workers[2])
        #expect(drained.stop(), "the worker stops by itself")
        #expect(drained.exitStatus == 0)
        group.wait()

        let failed = failures.withLock { $0 }
        #expect(failed.isEmpty, "\(failed.count) of \(total) failed: \(failed.prefix(5))")
        #expect(stack.stop(), "everything stops by itself")
    }

    @Test func `five hundred who look at one address cost the workers about one computation a second`() throws {
        let stack = try Stack.running(workers: 2)
        let port = stack.port
        var questions = 0
        func computed() throws -> Int {
            questions += 1
            return try workers(of: stack).reduce(0) { $0 + ($1["requests"] as? Int ?? 0) }
        }
        try require(within: 10, "both workers say what they answered") { try computed() > 0 }
        // Kept before the many come.
        #expect(try stack.get("/api/signals?limit=5").status == 200)
        let before = try computed()
        let answered = Atomic<Int>(0)
        let end = ContinuousClock.now + .seconds(4)
        let group = DispatchGroup()
        for _ in 0..<500 {
            Thread.detachInGroup(group) {
                while ContinuousClock.now < end {
                    if let reply = try? request("/api/signals?limit=5", port: port), reply.status == 200 {
                        answered.add(1, ordering: .relaxed)
                    }
                }
            }
        }
        group.wait()
        #expect(answered.load(ordering: .relaxed) > 200)
        // The counters are a second late, nginx's log too: it says how many they have to come to.
        func logged() throws -> Int {
            let log = stack.directory.appending(path: "log/nginx-access.log")
            return try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
                .count { $0.contains("\"upstream\":\"unix:") && $0.contains("/api/signals?limit=5") }
        }
        try require(within: 10, "all that was asked is in the log") {
            try String(contentsOf: stack.directory.appending(path: "log/nginx-access.log"), encoding: .utf8)
                .split(separator: "\n").count { $0.contains("/api/signals?limit=5") }
                > answered.load(ordering: .relaxed)
        }
        let asked = try logged()
        var cost = 0
        try require(within: 10, "the counters have come to it") {
            cost = try computed() - before
            return cost >= asked - 1
        }
        // One a second, and some where a worker did not get to run for a second.
        #expect(asked < 12 && cost < 12 + questions, "\(asked) of \(answered.load(ordering: .relaxed)), \(cost)")
    }

    /// What the pool says of itself.
    private func workers(of stack: Stack) throws -> [[String: Any]] {
        let checks = try stack.get("/api/diagnostics").json["checks"] as? [[String: Any]] ?? []
        let pool = checks.first { $0["component"] as? String == "worker_pool" }?["data"] as? [String: Any]
        return pool?["workers"] as? [[String: Any]] ?? []
    }

    @Test func `any worker reports on all, and leaves out one that was killed`() throws {
        let stack = try Stack.running(workers: 2)
        func workers() throws -> [[String: Any]] { try self.workers(of: stack) }
        try require(within: 10, "both are there, with what they answered") {
            let workers = try workers()
            return Set(workers.compactMap { $0["socket"] as? String }) == ["1.sock", "2.sock"]
                && workers.reduce(0) { $0 + ($1["requests"] as? Int ?? 0) } > 0
        }
        let killed = try #require(stack.workers[1])
        killed.signal(SIGKILL)
        killed.wait(seconds: 5)
        try require(within: 10, "one is left") {
            try workers().compactMap { $0["pid"] as? Int } == [Int(#require(stack.workers[2]).pid)]
        }
    }

    @Test func `workers of user nobody answer beside the collector and after its clean stop`() throws {
        let stack = try Stack.running()
        #expect(try stack.get("/api/stats").status == 200)
        #expect(access(stack.directory.path, W_OK) == 0)
        #expect(
            try execute(
                "/usr/bin/setpriv",
                [
                    "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "/usr/bin/test", "-w",
                    stack.directory.path,
                ]
            ).status != 0, "nobody cannot write there")

        #expect(stack.collector?.stop() == true)
        let count = try stack.sql("SELECT count(*) FROM signal_metadata")
        let signals = try stack.get("/api/signals?lookback_minutes=1440&limit=1").json
        #expect(signals["signal_count"] != nil, "rows: \(count)")
        // A worker that starts only now has no shared memory left by a writer to lean on.
        stack.workers[1]?.stop()
        stack.workers[2]?.stop()
        try stack.startWorker(1)
        try stack.startWorker(2)
        try require(within: 10, "a worker started after the stop answers") {
            try stack.get("/api/signals?limit=7").status == 200
        }
    }
}

extension Thread {
    /// A thread that a group waits for.
    static func detachInGroup(_ group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        Thread.detachNewThread {
            body()
            group.leave()
        }
    }
}
