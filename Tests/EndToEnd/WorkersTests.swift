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
        let log =
            (try? String(contentsOf: stack.directory.appending(path: "log/nginx-error.log"), encoding: .utf8)) ?? ""
        #expect(failed.isEmpty, "\(failed.count) of \(total) failed: \(failed.prefix(5)); nginx: \(log.suffix(2000))")
        #expect(stack.stop(), "everything stops by itself")
    }

    @Test func `five hundred who look at one address cost the workers about one computation a second`() throws {
        let stack = try Stack.running(workers: 2)
        let port = stack.port
        var questions = 0
        var counters: [String: Int] = [:]
        /// By their own counters, without the questions for these. Of itself a worker tells all, of the other what that was a second
        /// ago: the most that was heard of each is all.
        func computed() throws -> Int {
            questions += 1
            for worker in try workers(of: stack) {
                guard let name = worker["socket"] as? String, let requests = worker["requests"] as? Int else {
                    continue
                }
                counters[name] = max(counters[name] ?? 0, requests)
            }
            return counters.values.reduce(0, +) - questions
        }
        /// Once it has not grown for two seconds.
        func settled() throws -> Int {
            var most = (count: -1, since: ContinuousClock.now)
            try require(within: 20, "the counters come to rest") {
                let count = try computed()
                if count > most.count { most = (count, .now) }
                return ContinuousClock.now - most.since > .seconds(2)
            }
            return most.count
        }
        try require(within: 10, "both workers say what they answered") { try workers(of: stack).count == 2 }
        /// Four seconds of five hundred.
        func round() throws -> (cost: Int, answers: Int, longest: Duration) {
            let before = try settled()
            // Kept before the many come.
            #expect(try stack.get("/api/signals?limit=5").status == 200)
            let answered = Atomic<Int>(0)
            let failed = Atomic<Int>(0)
            let longest = Mutex(Duration.zero)
            let end = ContinuousClock.now + .seconds(4)
            let group = DispatchGroup()
            for _ in 0..<500 {
                Thread.detachInGroup(group) {
                    var begin = ContinuousClock.now
                    while begin < end {
                        if let reply = try? request("/api/signals?limit=5", port: port), reply.status == 200 {
                            answered.add(1, ordering: .relaxed)
                        } else {
                            failed.add(1, ordering: .relaxed)
                        }
                        let now = ContinuousClock.now
                        let took = now - begin
                        longest.withLock { $0 = max($0, took) }
                        begin = now
                    }
                }
            }
            group.wait()
            let count = answered.load(ordering: .relaxed)
            #expect(count > 500 && failed.load(ordering: .relaxed) == 0)
            return (try settled() - before, count, longest.withLock(\.self))
        }
        var last = try round()
        // Where the host did not let a worker run for seconds, what is kept has become too old to serve, and everybody asks.
        for _ in 1...2 where last.longest > .seconds(2) { last = try round() }
        // One a second, and some where a worker did not get to run for a second.
        #expect((2...12).contains(last.cost), "\(last)")
    }

    /// What the pool says of itself, past the cache.
    private func workers(of stack: Stack) throws -> [[String: Any]] {
        let checks =
            try stack.get("/api/diagnostics", headers: ["Authorization": "none"]).json["checks"] as? [[String: Any]]
            ?? []
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
