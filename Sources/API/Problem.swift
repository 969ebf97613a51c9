import FastCGI
import Model

/// An error reply after RFC 9457, and the only kind of error reply there is.
struct Problem: Error {
    /// One parameter that is wrong.
    struct Fault: Equatable {
        var parameter: String
        /// What was sent, cut to a readable length.
        var value: String
        /// What is wrong and what is allowed.
        var detail: String
    }

    var status: Int
    /// The last part of `type`, stable for programs; documented in `docs/api.md`.
    var code: StaticString
    var title: StaticString
    /// What is wrong with this request, and what to do.
    var detail: String
    var faults: [Fault] = []
    var headers: [(name: String, value: String)] = []

    /// The reply to a request for `path`.
    func response(path: String) -> Response {
        var json = JSONWriter(capacity: 512)
        json.object {
            $0.member("type", "urn:kernelsight:problem:\(code)")
            $0.member("title", "\(title)")
            $0.member("status", status)
            $0.member("detail", detail)
            $0.member("instance", path)
            if !faults.isEmpty {
                $0.array("errors") { json in
                    for fault in faults {
                        json.object {
                            $0.member("parameter", fault.parameter)
                            $0.member("value", fault.value)
                            $0.member("detail", fault.detail)
                        }
                    }
                }
            }
        }
        return Response(
            status: status,
            headers: [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")] + headers,
            body: json.bytes)
    }

    static func malformedQuery(_ detail: String) -> Problem {
        Problem(status: 400, code: "malformed-query", title: "The query string cannot be read", detail: detail)
    }

    static func badParameters(_ faults: [Fault]) -> Problem {
        let names = faults.map(\.parameter).joined(separator: ", ")
        return Problem(
            status: 422, code: "bad-parameters", title: "Parameters are not as they should be",
            detail: "Correct \(names); `errors` says what is allowed.", faults: faults)
    }

    static func noSuchPath(_ known: [String]) -> Problem {
        Problem(
            status: 404, code: "no-such-path", title: "Nothing is served here",
            detail: "Served are \(known.joined(separator: ", ")).")
    }

    static func noSuchSignal(_ id: String) -> Problem {
        Problem(
            status: 404, code: "no-such-signal", title: "No such signal",
            detail: "No signal has id \(id): it never existed, or retention has removed it.")
    }

    static func methodNotAllowed(_ method: String, allowed: String) -> Problem {
        Problem(
            status: 405, code: "method-not-allowed", title: "This method is not served here",
            detail: "\(method.isEmpty ? "No method" : method) was sent; use \(allowed).",
            headers: [("Allow", allowed)])
    }

    static func bodyTooLarge() -> Problem {
        Problem(
            status: 413, code: "body-too-large", title: "The request body is too large",
            detail: "At most 64 KiB are read, and those by POST alone.")
    }

    static func queryTooLong() -> Problem {
        Problem(
            status: 414, code: "query-too-long", title: "The query string is too long",
            detail: "At most \(QueryString.maximumLength) bytes are read; ask for less at once.")
    }

    /// There is no data to answer from. `seconds` is when it is worth while to ask again.
    static func unavailable(_ code: StaticString, _ detail: String, retryAfter seconds: Int) -> Problem {
        Problem(
            status: 503, code: code, title: "The data is not available", detail: detail,
            headers: [("Retry-After", "\(seconds)")])
    }
}
