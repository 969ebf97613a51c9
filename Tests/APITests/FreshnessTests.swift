import Model
import Testing

@testable import API

/// Every endpoint that answers from data, and those of the agent, which has none.
private let fromData = [
    "/api/health", "/api/health/ready", "/api/signals", "/api/signals/1", "/api/stats", "/api/series", "/api/processes",
    "/api/diagnostics",
]
private let fromNone = ["/api/agent/status", "/api/agent/history"]

@Test func `every reply carries the time of its data`() throws {
    let host = try Host()
    let earlier = Host.now.advanced(bySeconds: -2)
    try host.write(at: earlier, episodes: [Host.episode(1, opened: earlier)], samples: [MetricSample("cpu.busy", 1)])
    for (path, query) in fromData.map({ ($0, "") }) + [("/api/series", "metric=cpu.busy")] {
        let answer = host.get(path, query: query)
        #expect(answer.status == 200)
        guard case .integer(let time) = answer["data_timestamp_ns"] else {
            Issue.record("\(path) has no time")
            continue
        }
        #expect(answer["data_timestamp"] == .string(Timestamp(nanoseconds: time).rfc3339))
        #expect(answer["stale"] != nil, "\(path)")
    }
    for path in ["/api/health", "/api/series", "/api/processes"] {
        #expect(host.get(path)["data_timestamp_ns"] == .integer(earlier.nanoseconds), "\(path)")
    }
    for path in fromNone {
        #expect(host.get(path)["data_timestamp"] == .null)
        #expect(host.get(path)["stale"] == false)
    }
}

@Test func `before the first measurement there is no time and no age, not 1970`() throws {
    let host = try Host(withDatabase: false)
    try host.startWriter()
    for path in fromData where path != "/api/signals/1" {
        let answer = host.get(path)
        #expect(answer["data_timestamp"] == .null, "\(path)")
        #expect(answer["data_timestamp_ns"] == .null, "\(path)")
        #expect(answer["stale"] == true, "\(path)")
        #expect(!String(decoding: answer.response.body, as: UTF8.self).contains("1970"), "\(path)")
    }
    let health = host.get("/api/health")
    #expect(health.status == 503)
    #expect(health["data_age_seconds"] == .null)
    #expect(health["reason"] == "The collector has not written yet; see its log if this lasts.")
}

@Test func `data from the future is stale: a collector that runs would have written with the new time`() throws {
    let host = try Host(now: Host.now.advanced(bySeconds: -3600))
    for path in ["/api/health", "/api/health/ready"] {
        let answer = host.get(path)
        #expect(answer.status == 503)
        #expect(answer["stale"] == true)
        #expect(answer["data_age_seconds"] == 0)
        #expect(
            answer["reason"]
                == .string(
                    "The newest data is dated 3600 s in the future: the clock was set back, and the collector has not "
                        + "written since; start kernelsight-collector, or see its log."))
    }
    #expect(host.get("/api/series")["stale"] == true)
    #expect(try Host(now: Host.now.advanced(bySeconds: -5)).get("/api/health").status == 200)
}
