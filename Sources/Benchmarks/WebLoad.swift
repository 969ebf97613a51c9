import ChildProcess
import Foundation

/// What wrk saw: requests one after the other over several connections.
struct WebLoad {
    var perSecond: Double
    /// Milliseconds.
    var mean: Double
    var p50: Double
    var p99: Double
    /// Answers that were none: a worker that is asked more than it can answers 503.
    var refused = 0

    /// - Parameters:
    ///   - script: a script for wrk that says what is asked for; else it is the URL, each time.
    ///   - mayRefuse: whether refusals are counted; else one is a failure.
    init(
        _ url: String, connections: Int, seconds: Int, script: String? = nil, mayRefuse: Bool = false,
        in scratch: Scratch
    ) throws {
        let text = try ChildProcess.run(
            "wrk",
            ["-t1", "-c\(connections)", "-d\(seconds)s", "--latency"] + (script.map { ["-s", $0] } ?? []) + [url],
            in: scratch)
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        func after(_ word: String) -> String? {
            words.firstIndex(of: word).flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
        }
        refused = after("responses:").flatMap(Int.init) ?? 0
        guard refused == 0 || mayRefuse, !text.contains("Socket errors") else {
            throw BenchmarkFailure("requests failed: \(text)")
        }
        guard let rate = after("Requests/sec:").flatMap(Double.init),
            let mean = after("Latency").flatMap(Self.milliseconds),
            let p50 = after("50%").flatMap(Self.milliseconds), let p99 = after("99%").flatMap(Self.milliseconds)
        else { throw BenchmarkFailure("wrk printed \(text)") }
        perSecond = rate
        (self.mean, self.p50, self.p99) = (mean, p50, p99)
    }

    /// wrk's `812.00us`, `3.41ms`, `1.20s`.
    private static func milliseconds(_ text: String) -> Double? {
        for (unit, factor) in [("us", 0.001), ("ms", 1), ("s", 1000)] where text.hasSuffix(unit) {
            return Double(text.dropLast(unit.count)).map { $0 * factor }
        }
        return nil
    }
}

extension ChildProcess {
    /// An API worker on a database that nobody writes: its data grow older meanwhile, and it shall answer as if they were fresh.
    /// - Parameter afresh: whether it asks the database for health each time.
    static func apiWorker(
        socket: String, database: String, afresh: Bool, in scratch: Scratch
    ) throws -> ChildProcess {
        let config = scratch.file("config.yaml")
        try "api: { freshness_limit_seconds: 3600 }\n".write(to: config, atomically: true, encoding: .utf8)
        return try ChildProcess(
            "kernelsight-api",
            ["--socket", socket, "--socket-mode", "666", "--database", database, "--config", config.path]
                + (afresh ? ["--afresh"] : []),
            in: scratch)
    }

    /// Waits until nginx, which is this program or stands in front of it, answers.
    func expectReply(from url: String, nginxLog: String, in scratch: Scratch) throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while (try? ChildProcess.run("curl", ["-sf", url], in: scratch)) == nil {
            guard ContinuousClock.now < deadline, isRunning else {
                let log = (try? String(contentsOfFile: scratch.path(nginxLog), encoding: .utf8)) ?? ""
                throw BenchmarkFailure("no reply from \(url): \(output)\(log.suffix(500))")
            }
            usleep(100_000)
        }
    }
}
