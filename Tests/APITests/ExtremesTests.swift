import GRDB
import Model
import Store
import Testing

@testable import API

/// What a program that adds and multiplies without looking would end with.
private let extremes = [
    "-9223372036854775808", "9223372036854775807", "-9223372036854775807", "9223372036854775808",
    "18446744073709551615",
    "9214646399999999999", "9214646400000000000", "9223286400000000000", "-1", "0", "-0", "1", "2147483648",
    "4294967296",
    "99999999999999999999", "-99999999999999999999", "9007199254740993", "1e400", "inf", "nan", "0x7f", "%2B1", "1.5",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00%2B23:59", "2261-12-31T23:59:60.999999999-23:59", "2262-04-11T23:47:16Z",
    "1677-09-21T00:12:43Z", "zzzzzzzzzzzzz", "1y2p0ij32e8e7", "1y2p0ij32e8e8", "-1y2p0ij32e8e8", "%2Bzz", "", "%20",
    "%F0%9F%92%A3", "a@b", "1@-1", "@", "cpu.busy", "'", "\"",
]
private let names = [
    "signal_type", "severity", "state", "entity", "limit", "lookback_minutes", "since", "cursor", "metric", "from",
    "to",
    "step", "sort", "form", "until", "before", "signal_id", "forecast_minutes",
]

private func hostWithSignal() throws -> Host {
    let host = try Host()
    try host.write(episodes: [Host.episode(1)], samples: [MetricSample("cpu.busy", 1)])
    let journal = try AgentJournal(path: AgentReader.path(besides: host.path), digest: { "\($0.count)" })
    try journal.beat(
        AgentStatus(pid: 7, mode: "approve", started: Host.now, beat: Host.now, phase: nil, catalogue: "[]"))
    _ = try journal.add(
        AgentDecision(
            cycle: 1, signal: 1, action: #"{"kind":"pause_process"}"#, reason: "it helps", confidence: 0.9,
            state: .standing, created: Host.now, updated: Host.now))
    return host
}

@Test func `no value of any parameter ends the process or is a fault of the server`() throws {
    let host = try hostWithSignal()
    for path in Route.paths {
        for value in extremes {
            let path = path.replacing("{id}", with: value)
            for name in names {
                let answer = host.get(path, query: "\(name)=\(value)")
                #expect([200, 404, 422].contains(answer.status), "\(path)?\(name)=\(value)")
            }
        }
    }
    for first in extremes {
        for second in extremes {
            for query in [
                "metric=cpu.busy&from=\(first)&to=\(second)", "metric=cpu.busy&from=\(first)&to=\(second)&step=86400",
                "metric=cpu.busy&to=\(first)&step=\(second)",
            ] {
                #expect([200, 404, 422].contains(host.get("/api/series", query: query).status), "\(query)")
            }
            let query = "since=\(first)&cursor=\(second)"
            #expect([200, 422].contains(host.get("/api/signals", query: query).status), "\(query)")
        }
    }
}

@Test func `whatever bytes stand in a query string, the reply is one that docs/api.md knows`() throws {
    let host = try hostWithSignal()
    // The same on each run, so that what fails can be repeated.
    var state: UInt64 = 1
    func random(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
    let pieces = names.map { "\($0)=" } + extremes + ["&", "&&", "=", "%", "%4", "%00", "%FF", "+", ";", "é", "\u{0}"]
    for _ in 1...3000 {
        let query = (0...random(below: 6)).map { _ in pieces[random(below: pieces.count)] }.joined()
        for path in ["/api/signals", "/api/series"] {
            #expect([200, 400, 404, 422].contains(host.get(path, query: query).status), "\(path)?\(query)")
        }
    }
}

@Test(arguments: [Int64.min, -1, 1, .max])
func `times that no clock shows, in a damaged database, end no worker`(time: Int64) throws {
    let host = try hostWithSignal()
    host.stopWriter()
    try DatabaseQueue(path: host.path).writeWithoutTransaction { db in
        try db.execute(sql: "DROP TRIGGER signals_moved")
        try db.execute(sql: "UPDATE store_state SET last_tick = \(time), last_commit = \(time)")
        try db.execute(sql: "UPDATE components SET timestamp = \(time)")
        try db.execute(sql: "UPDATE signals SET timestamp = \(time), lasted = \(time), closed_after = \(time)")
    }
    for path in Route.paths {
        #expect([200, 503].contains(host.get(path.replacing("{id}", with: "1")).status), "\(path)")
    }
    #expect(host.get("/api/series", query: "metric=cpu.busy").status == 200)
    let health = host.get("/api/health")
    #expect(health.status == 503)
    #expect(health["stale"] == true)
}
