import FastCGI
import Model
import Testing

@testable import API

/// A path, a query, and the parameters that the reply has to complain about.
struct Bad: CustomTestStringConvertible {
    var path: String
    var query: String
    var faults: [String]
    var testDescription: String { "\(path)?\(query.prefix(60))" }

    init(_ path: String, _ query: String, _ faults: String...) {
        self.path = path
        self.query = query
        self.faults = faults
    }

    static let all: [Bad] = [
        .init("/api/signals", "limit=0", "limit"), .init("/api/signals", "limit=1001", "limit"),
        .init("/api/signals", "limit=-1", "limit"), .init("/api/signals", "limit=ten", "limit"),
        .init("/api/signals", "limit=1.5", "limit"), .init("/api/signals", "limit=%2B5", "limit"),
        .init("/api/signals", "limit=", "limit"), .init("/api/signals", "limit=99999999999999999999999", "limit"),
        .init("/api/signals", "limit=%D9%A3", "limit"),
        .init("/api/signals", "lookback_minutes=1441", "lookback_minutes"),
        .init("/api/signals", "severity=urgent", "severity"), .init("/api/signals", "severity=HIGH", "severity"),
        .init("/api/signals", "severity=none", "severity"),
        .init("/api/signals", "signal_type=memory", "signal_type"), .init("/api/signals", "state=opened", "state"),
        .init("/api/signals", "entity=", "entity"),
        .init("/api/signals", "entity=" + String(repeating: "x", count: 129), "entity"),
        .init("/api/signals", "cursor=!!", "cursor"), .init("/api/signals", "cursor=-5", "cursor"),
        .init("/api/signals", "since=yesterday", "since"), .init("/api/signals", "since=2026-02-30T00:00:00Z", "since"),
        .init("/api/signals", "since=2026-01-01T00:00:00Z&lookback_minutes=5", "since"),
        .init("/api/signals", "limit=1&limit=2", "limit"), .init("/api/signals", "Limit=1", "Limit"),
        .init("/api/signals", "limit=0&severity=x&nonsense=1", "severity", "limit", "nonsense"),
        .init("/api/health", "verbose=1", "verbose"), .init("/api/stats", "a=1&b=2", "a", "b"),
        .init("/api/signals/1", "x=1", "x"), .init("/api/agent/history", "limit=101", "limit"),
        .init("/api/processes", "sort=name&limit=0", "sort", "limit"),
        .init("/api/series", "metric=cpu.busy&from=2026-11-25T03:00:01Z&to=2026-11-25T03:00:00Z", "from"),
        .init("/api/series", "metric=cpu.busy&from=2020-01-01T00:00:00Z", "from", "step"),
        .init("/api/series", "metric=cpu.busy&step=0", "step"),
        .init("/api/series", "metric=cpu.busy&form=table", "form"),
        .init("/api/signals", "since=2026-11-25T03:00:00Z&until=2026-11-25T03:00:00Z", "until"),
        .init("/api/series", "metric=cpu.busy&from=0&to=20000000000000&step=1", "step"),
        .init("/api/series", "to=-9223372036854775808", "to"),
        .init("/api/series", "from=-9223372036854775808&to=9223372036854775807", "from", "to"),
        .init("/api/series", "from=9214646400000000000&to=1969-12-31T23:59:59Z", "from", "to"),
        .init("/api/series", "from=1970-01-01T00:00:00%2B00:01", "from"),
        .init("/api/signals", "since=-9223372036854775808&lookback_minutes=5", "since"),
        .init("/api/signals", "since=-1", "since"), .init("/api/signals", "since=9999-12-31T23:59:59Z", "since"),
    ]
}

@Test(arguments: Bad.all)
func `bad parameters are refused with 422, all of them named`(_ bad: Bad) throws {
    let answer = try Host(withDatabase: false).get(bad.path, query: bad.query)
    #expect(answer.status == 422)
    #expect(answer.header("Content-Type") == "application/problem+json")
    #expect(answer.header("Cache-Control") == "no-store")
    #expect(Set(answer.faults) == Set(bad.faults))
    #expect(answer["instance"] == .string(bad.path))
}

@Test(arguments: [
    "limit", "=5", "limit=%", "limit=%4", "limit=%zz", "entity=%FF", "entity=a%00b", "entity=a%0Ab", "entity=a\u{7F}",
    (0..<40).map { "p\($0)=1" }.joined(separator: "&"),
])
func `a query string that cannot be read is refused with 400`(_ query: String) throws {
    let answer = try Host(withDatabase: false).get("/api/signals", query: query)
    #expect(answer.status == 400)
    #expect(answer["type"] == "urn:kernelsight:problem:malformed-query")
}

@Test(arguments: [
    "limit=1", "limit=1000", "lookback_minutes=1440", "severity=critical", "signal_type=page_fault", "state=unknown",
    "entity=a%20b+c", "cursor=zz", "since=2026-11-25T02:59:00%2B00:00", "since=2026-11-25T02:59:00.123456789Z",
    "since=1795575600000000000", "since=0", "since=9214646399999999999", "since=2261-12-31T23:59:59Z", "", "&&",
    "l%69mit=5",
])
func `good parameters are taken`(_ query: String) throws {
    #expect(try Host().get("/api/signals", query: query).status == 200)
}

@Test func `a query string over 4096 bytes is refused with 414`() throws {
    let answer = try Host(withDatabase: false).get(
        "/api/signals", query: "entity=" + String(repeating: "x", count: 4096))
    #expect(answer.status == 414)
}

@Test(arguments: [
    "", "/", "/api", "/api/", "/api/signals/", "/api/signals/1/2", "/api/healthz", "/API/health", "/metrics/x",
])
func `a path that is not served is a problem that lists those that are`(_ path: String) throws {
    let answer = try Host(withDatabase: false).get(path)
    #expect(answer.status == 404)
    #expect(answer["type"] == "urn:kernelsight:problem:no-such-path")
}

@Test func `OPTIONS says what a path can be asked with`() throws {
    let host = try Host(withDatabase: false)
    for (path, methods) in [
        ("/api/signals", "GET, HEAD, OPTIONS"), ("/api/signals/1", "GET, HEAD, OPTIONS"),
        ("/api/predict", "POST, OPTIONS"), ("/api/agent/decisions/1/approve", "POST, OPTIONS"),
    ] {
        let answer = host.get(path, method: "OPTIONS")
        #expect(answer.status == 204)
        #expect(answer.header("Allow") == methods)
    }
    #expect(host.get("/api/none", method: "OPTIONS").status == 404)
}

@Test(arguments: ["POST", "PUT", "DELETE", "get", ""])
func `other methods are refused with 405 and Allow`(_ method: String) throws {
    let answer = try Host(withDatabase: false).get("/api/signals", method: method)
    #expect(answer.status == 405)
    #expect(answer.header("Allow") == "GET, HEAD, OPTIONS")
}

@Test func `a body that is too large is refused with 413`() throws {
    let request = Request(
        parameters: [("REQUEST_METHOD", "GET"), ("DOCUMENT_URI", "/api/health")].map { (name: $0.0, value: $0.1) },
        bodyIsTooLarge: true)
    #expect(try Host().service.respond(to: request).status == 413)
}

@Test func `the same data has the same tag, and whoever has it gets 304`() throws {
    let host = try Host()
    try host.write(episodes: [Host.episode(1)])
    let first = host.get("/api/signals")
    let tag = try #require(first.header("ETag"))
    #expect(first.header("Cache-Control") == "public, max-age=1, stale-while-revalidate=2, stale-if-error=10")
    for header in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
        let second = host.get("/api/signals", headers: [("HTTP_IF_NONE_MATCH", header)])
        #expect(second.status == 304)
        #expect(second.response.body.isEmpty)
    }
    try host.write(episodes: [Host.episode(2)])
    let third = host.get("/api/signals", headers: [("HTTP_IF_NONE_MATCH", tag)])
    #expect(third.status == 200)
    #expect(third.header("ETag") != tag)
}

@Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2026-11-25T03:00:00Z", 1_795_575_600_000_000_000),
    ("2026-11-25T04:00:00.5+01:00", 1_795_575_600_500_000_000), ("2000-02-29t12:00:00z", 951_825_600_000_000_000),
    ("2026-11-24T21:30:00-05:30", 1_795_575_600_000_000_000),
])
func `RFC 3339 is read to the nanosecond`(_ text: String, _ nanoseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.nanoseconds == nanoseconds)
}

@Test(arguments: [
    "", "2026", "2026-11-25", "2026-11-25T03:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
    "2026-11-25T24:00:00Z",
    "2026-11-25T03:00:00.Z", "2026-11-25T03:00:00+1:00", "2026-11-25T03:00:00Zx", "1969-12-31T23:59:59Z",
    "+026-11-25T03:00:00Z",
])
func `what is not RFC 3339 is not read`(_ text: String) { #expect(Timestamp(rfc3339: text) == nil) }
