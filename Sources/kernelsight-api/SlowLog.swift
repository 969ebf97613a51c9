import FastCGI
import Logging
import Store
import Synchronization

/// Writes requests and statements that take long to the log.
final class SlowLog: Sendable {
    /// Where a host is short of CPU every statement is slow: each is told once in this time.
    private static let silence = Duration.seconds(60)

    private struct Told {
        var last: ContinuousClock.Instant
        var since = 0
    }

    private let log: Logger
    private let live: LiveSettings
    /// By text; there are as many as the programs have.
    private let told = Mutex<[String: Told]>([:])

    init(log: Logger, live: LiveSettings) {
        self.log = log
        self.live = live
    }

    /// Who the reader tells.
    var queries: SlowQueries {
        SlowQueries(from: { self.live.slowQueryMilliseconds }) { self.write($0, at: .now) }
    }

    func write(_ query: SlowQuery, at now: ContinuousClock.Instant) {
        let before = told.withLock { told -> Int? in
            var entry = told[query.sql] ?? Told(last: now - Self.silence)
            defer { told[query.sql] = entry }
            guard now - entry.last >= Self.silence else {
                entry.since += 1
                return nil
            }
            defer { entry = Told(last: now) }
            return entry.since
        }
        guard let before else { return }
        log.warning(
            "slow query",
            metadata: [
                // On one line, whatever it was written on.
                "sql": "\(query.sql.split(whereSeparator: \.isWhitespace).joined(separator: " "))",
                "took": "\(query.milliseconds) ms", "plan": "\(query.plan.joined(separator: "; "))",
                "unsaid_before": "\(before)",
            ])
    }

    func watch(_ request: Request, _ respond: () -> Response) -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        let response = respond()
        let took = clock.now - start
        if took >= .milliseconds(live.slowRequestMilliseconds) {
            // The query is anybody's text: what is not printable ASCII is left out, and it is cut.
            let query = String(
                decoding: request.query.utf8.filter { (0x21...0x7E).contains($0) }.prefix(200), as: UTF8.self)
            log.warning(
                "slow request",
                metadata: [
                    "path": "\(request.path.utf8.count <= 100 ? request.path : "too long")", "query": "\(query)",
                    "status": "\(response.status)", "took": "\(took)",
                    // As nginx's log and the reply's header have it.
                    "id": "\(request.parameter("REQUEST_ID") ?? "none")",
                ])
        }
        return response
    }
}
