import FastCGI
import Logging
import Store

/// Writes requests and statements that take long to the log.
struct SlowLog: Sendable {
    let log: Logger
    let live: LiveSettings

    /// Who the reader tells.
    var queries: SlowQueries {
        SlowQueries(from: { live.slowQueryMilliseconds }) { query in
            log.warning(
                "slow query",
                metadata: [
                    // On one line, whatever it was written on.
                    "sql": "\(query.sql.split(whereSeparator: \.isWhitespace).joined(separator: " "))",
                    "took": "\(query.milliseconds) ms", "plan": "\(query.plan.joined(separator: "; "))",
                ])
        }
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
