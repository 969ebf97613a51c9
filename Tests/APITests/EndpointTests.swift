import Glibc
import Model
import Store
import Testing

@testable import API

@Test func `a host in order is healthy`() throws {
    let answer = try Host().get("/api/health")
    #expect(answer.status == 200)
    #expect(answer["status"] == "healthy")
    #expect(answer["database"] == "connected")
    #expect(answer["signal_count"] == 0)
    #expect(answer["data_age_seconds"] == 0)
    #expect(answer["components.0.component"] == "syscall_tracer")
    #expect(answer.header("Cache-Control") == "no-store")
}

@Test func `a tracer that does not run makes the host degraded`() throws {
    let host = try Host()
    try host.write(components: [ComponentState(component: "sched_tracer", status: .error, message: "no BTF")])
    let answer = host.get("/api/health")
    #expect(answer.status == 200)
    #expect(answer["status"] == "degraded")
    #expect(answer["reason"] == "Not in order: sched_tracer.")
    #expect(host.get("/api/health/ready").status == 200)
}

@Test func `old data is unhealthy and not ready, and other replies still come and say so`() throws {
    let host = try Host(now: Host.now.advanced(bySeconds: 60))
    for path in ["/api/health", "/api/health/ready"] {
        let answer = host.get(path)
        #expect(answer.status == 503)
        #expect(answer["data_age_seconds"] == 60)
        #expect(answer.header("Retry-After") != nil)
    }
    #expect(host.get("/api/health/live").status == 200)
    let stats = host.get("/api/stats")
    #expect(stats.status == 200)
    #expect(stats["total_signals"] == 0)
    #expect(host.get("/api/diagnostics")["overall_status"] == "error")
}

@Test func `without a database everything says so, and recovers by itself`() throws {
    let host = try Host(withDatabase: false)
    let health = host.get("/api/health")
    #expect(health.status == 503)
    #expect(health["status"] == "unhealthy")
    #expect(health["database"] == "not found")
    for path in ["/api/signals", "/api/signals/1", "/api/stats", "/api/series", "/api/processes"] {
        let answer = host.get(path)
        #expect(answer.status == 503)
        #expect(answer.header("Content-Type") == "application/problem+json")
        #expect(answer["type"] == "urn:kernelsight:problem:database-missing")
        #expect(answer.header("Retry-After") == "2")
    }
    #expect(host.get("/api/diagnostics")["overall_status"] == "error")
    #expect(host.get("/api/agent/status").status == 200)
    try host.write()
    #expect(eventually { host.get("/api/health").status == 200 })
    #expect(host.get("/api/signals").status == 200)
}

@Test func `a file that is no database is reported as unreadable`() throws {
    let host = try Host(withDatabase: false)
    let file = fopen(host.path, "w")
    fputs(String(repeating: "not a database at all ", count: 300), file)
    fclose(file)
    #expect(host.get("/api/health")["database"] == "unreadable")
    #expect(host.get("/api/signals")["type"] == "urn:kernelsight:problem:database-unreadable")
}

@Test func `a signal has its culprits, times in both forms and the names users know`() throws {
    let host = try Host()
    try host.write(episodes: [Host.episode(5)])
    let answer = host.get("/api/signals")
    #expect(answer.status == 200)
    #expect(answer["signal_count"] == 1)
    #expect(answer["summary"] == "Found 1 signal: 1 scheduler (high).")
    #expect(answer["lookback_minutes"] == 10)
    #expect(answer["signals.0.id"] == 5)
    #expect(answer["signals.0.timestamp"] == 1_795_575_600_000_000_000)
    #expect(answer["signals.0.timestamp_iso"] == "2026-11-25T03:00:00.000Z")
    #expect(answer["signals.0.signal_type"] == "scheduler")
    #expect(answer["signals.0.severity"] == "high")
    #expect(answer["signals.0.pressure_score"] == 0.8)
    #expect(answer["signals.0.summary"] == "stress-ng waits for a CPU")
    #expect(answer["signals.0.label"] == "cpu_starvation")
    #expect(answer["signals.0.entity.id"] == "1234@567890")
    #expect(answer["signals.0.closed_at"] == .null)
    #expect(answer["signals.0.culprits.0.comm"] == "stress-ng")
    #expect(answer["signals.0.culprits.0.process.start_ticks"] == 900)
    #expect(answer["next_cursor"] == .null)
}

@Test func `one signal comes with its evidence, victims, patterns and hints`() throws {
    let host = try Host()
    try host.write(episodes: [Host.episode(5)])
    let answer = host.get("/api/signals/5")
    #expect(answer["id"] == 5)
    #expect(answer["evidence.0.metric"] == "runq.wait")
    #expect(answer["victims.0.stall_milliseconds_per_second"] == 120)
    #expect(answer["patterns.0"] == "stress-ng starves")
    #expect(answer["reasoning_hints.0"] == "renice stress-ng")
    for id in ["6", "0", "-5", "x", "99999999999999999999", "5.0"] {
        #expect(host.get("/api/signals/\(id)").status == 404)
    }
}

@Test func `severity is a minimum, and type, state, entity and time narrow the list`() throws {
    let host = try Host()
    let hourAgo = Host.now.advanced(bySeconds: -3600)
    try host.write(episodes: [
        Host.episode(1, state: .closed, opened: hourAgo), Host.episode(2, severity: .critical, opened: hourAgo),
        Host.episode(3, type: .ioCongestion, entity: Entity(kind: .device, id: "8:0", name: "sda"), severity: .low),
        Host.episode(4, state: .closed, severity: .medium),
    ])
    func ids(_ query: String) -> [JSONValue?] {
        let answer = host.get("/api/signals", query: query)
        return (0..<(answer.count("signals") ?? -1)).map { answer["signals.\($0).id"] }
    }
    #expect(ids("") == [4, 3, 2])
    #expect(ids("severity=medium") == [4, 2])
    #expect(ids("signal_type=io_congestion") == [3])
    #expect(ids("entity=sda") == [3])
    #expect(ids("entity=1234@567890") == [4, 2])
    #expect(ids("state=open") == [3, 2])
    #expect(ids("state=open&lookback_minutes=5") == [3])
    #expect(ids("state=closed&since=2026-11-25T01:00:00Z") == [4, 1])
    #expect(ids("lookback_minutes=90") == [4, 3, 2, 1])
    #expect(ids("lookback_minutes=90&until=2026-11-25T02:30:00Z") == [2, 1])
    #expect(ids("state=open&until=2026-11-25T02:30:00Z") == [2])
    #expect(ids("lookback_minutes=90&until=2026-11-25T02:00:00Z") == [])
}

@Test func `pages follow each other by cursor without gaps`() throws {
    let host = try Host()
    try host.write(episodes: (1...45).map { Host.episode(Int64($0), state: .closed) })
    var seen: [Int64] = []
    var query = "limit=20"
    while true {
        let page = host.get("/api/signals", query: query)
        for index in 0..<(page.count("signals") ?? 0) {
            if case .integer(let id) = page["signals.\(index).id"] { seen.append(id) }
        }
        guard case .string(let cursor) = page["next_cursor"] else { break }
        query = "limit=20&cursor=\(cursor)"
    }
    #expect(seen == (1...45).reversed().map(Int64.init))
}

@Test func `counts are of everything by type and of the last hour by severity`() throws {
    let host = try Host()
    try host.write(episodes: [
        Host.episode(1, severity: .low, opened: Host.now.advanced(bySeconds: -7200)), Host.episode(2), Host.episode(3),
        Host.episode(4, type: .syscall, severity: .critical),
    ])
    let answer = host.get("/api/stats")
    #expect(answer["total_signals"] == 4)
    #expect(answer["recent_signals"] == 3)
    #expect(answer["by_type.0.signal_type"] == "scheduler")
    #expect(answer["by_type.0.count"] == 3)
    #expect(answer["by_severity.0.severity"] == "critical")
    #expect(answer["by_severity.1.count"] == 2)
}

@Test func `processes are sorted by what was asked for`() throws {
    let host = try Host()
    func process(_ pid: Int32, cpu: UInt64, wait: UInt64, major: UInt64) -> ProcessActivity {
        var scheduling = ProcessActivity.Scheduling()
        scheduling.cpuNanoseconds = cpu
        scheduling.waitNanoseconds = wait
        var faults = ProcessActivity.Faults()
        faults.major = major
        return ProcessActivity(
            identity: .init(pid: pid, startTicks: 1), comm: "a\"]},{\\", scheduling: scheduling, faults: faults)
    }
    try host.write(processes: [
        process(1, cpu: 10, wait: 30, major: 2), process(2, cpu: 30, wait: 10, major: 1),
        process(3, cpu: 20, wait: 20, major: 9),
    ])
    #expect(host.get("/api/processes")["processes.0.pid"] == 2)
    #expect(host.get("/api/processes", query: "sort=run_queue_wait")["processes.0.pid"] == 1)
    let faults = host.get("/api/processes", query: "sort=faults&limit=1")
    #expect(faults["processes.0.pid"] == 3)
    #expect(faults["processes.0.comm"] == "a\"]},{\\")
    #expect(faults["count"] == 1)
}

@Test func `the agent is offline and has no history, and the reply says why`() throws {
    let host = try Host()
    let status = host.get("/api/agent/status")
    #expect(status["status"] == "offline")
    #expect(status["message"] == "No agent has run on this host.")
    let history = host.get("/api/agent/history", query: "limit=5")
    #expect(history["count"] == 0)
    #expect(history.count("iterations") == 0)
}

@Test func `a name with quotes, newlines and bytes that are not UTF-8 stays inside its string`() throws {
    let host = try Host()
    let name = "\"\\\n\u{0}</script>" + String(decoding: [0xFF, 0x41], as: UTF8.self)
    try host.write(episodes: [Host.episode(1, comm: name)])
    let answer = host.get("/api/signals")
    #expect(answer["signals.0.culprits.0.comm"] == .string(name))
}

@Test func `a series has a point per step, null where nothing was measured, and its name is listed`() throws {
    let host = try Host()
    for second in [-30, -29, -10] {
        try host.write(
            at: Host.now.advanced(bySeconds: Double(second)), samples: [MetricSample("cpu.busy", Double(-second))])
    }
    #expect(host.get("/api/series")["metrics.0.metric"] == "cpu.busy")
    let answer = host.get(
        "/api/series", query: "metric=cpu.busy&from=2026-11-25T02:59:30Z&to=2026-11-25T03:00:00Z&step=10")
    #expect(answer.status == 200)
    #expect(answer["kind"] == "number")
    #expect(answer.count("points") == 3)
    #expect(answer["points.0.timestamp_iso"] == "2026-11-25T02:59:30.000Z")
    #expect(answer["points.0.mean"] == 29.5)
    #expect(answer["points.1.mean"] == .null)
    #expect(answer["points.2.max"] == 10)
    let unknown = host.get("/api/series", query: "metric=nothing")
    #expect(unknown.status == 404)
    #expect(unknown["type"] == "urn:kernelsight:problem:no-such-metric")
}

@Test func `columns hold what points hold, in arrays of the same length`() throws {
    let host = try Host()
    var waits = LatencyHistogram()
    waits.record(1000, times: 3)
    waits.record(70_000)
    try host.write(
        at: Host.now.advanced(bySeconds: -30), samples: [MetricSample("cpu.busy", 0.5)],
        histograms: [HistogramSample("runq.latency", waits)])
    let window = "from=2026-11-25T02:59:30Z&to=2026-11-25T03:00:00Z&step=10"
    let busy = host.get("/api/series", query: "metric=cpu.busy&form=columns&\(window)")
    #expect(busy["start"] == .integer(Host.now.nanoseconds - 30_000_000_000))
    #expect(busy["mean.0"] == 0.5)
    #expect(busy["mean.1"] == .null)
    #expect(busy.count("mean") == 3 && busy.count("count") == 3)
    #expect(busy["p95_ns"] == nil)
    let latency = host.get("/api/series", query: "metric=runq.latency&form=columns&\(window)")
    let points = host.get("/api/series", query: "metric=runq.latency&\(window)")
    #expect(latency["p99_ns.0"] == points["points.0.p99_ns"])
    #expect(latency["p99_ns.1"] == .null)
}

@Test func `a heat map counts observations by power of two, from the lowest that was seen`() throws {
    let host = try Host()
    var waits = LatencyHistogram()
    waits.record(1000, times: 3)
    waits.record(5000)
    try host.write(
        at: Host.now.advanced(bySeconds: -30), samples: [MetricSample("cpu.busy", 0.5)],
        histograms: [HistogramSample("runq.latency", waits)])
    let window = "form=heatmap&from=2026-11-25T02:59:30Z&to=2026-11-25T03:00:00Z&step=10"
    let map = host.get("/api/series", query: "metric=runq.latency&\(window)")
    #expect(map["lowest_ns"] == 512)
    #expect(map.count("counts.0") == 4)
    #expect(map["counts.0.0"] == 3)
    #expect(map["counts.0.3"] == 1)
    #expect(map["counts.1"] == .null)
    #expect(host.get("/api/series", query: "metric=cpu.busy&\(window)").status == 422)
}

@Test func `until goes by the time, also where the clock was set back`() throws {
    let host = try Host()
    // The first opened while the clock was an hour ahead.
    try host.write(episodes: [Host.episode(1, state: .closed, opened: Host.now.advanced(bySeconds: 3600))])
    try host.write(episodes: [
        Host.episode(2, state: .closed, opened: Host.now.advanced(bySeconds: -60)),
        Host.episode(3, state: .closed, opened: Host.now.advanced(bySeconds: -30)),
    ])
    let answer = host.get("/api/signals", query: "until=2026-11-25T02:59:45Z")
    #expect(answer["signals.0.id"] == 3)
    #expect(answer["signals.1.id"] == 2)
    #expect(answer.count("signals") == 2)
}

@Test func `replies made of what the tracers measure say how complete that is`() throws {
    let host = try Host()
    let paths = ["/api/signals", "/api/signals/1", "/api/series?metric=cpu.busy", "/api/processes"]
    func completeness(_ path: String) -> Answer {
        let parts = path.split(separator: "?").map(String.init)
        return host.get(parts[0], query: parts.count > 1 ? parts[1] : "")
    }
    try host.write(
        at: Host.now.advanced(bySeconds: -2), episodes: [Host.episode(1)], samples: [MetricSample("cpu.busy", 1)],
        completeness: #"{"syscall_tracer":0.5,"sched_tracer":null}"#)
    for path in paths {
        #expect(completeness(path)["completeness.syscall_tracer"] == 0.5, "\(path)")
        #expect(completeness(path)["completeness.sched_tracer"] == .null, "\(path)")
        #expect(completeness(path)["completeness.io_latency_tracer"] == nil, "\(path)")
    }
    // A record that says nothing of it leaves what was said.
    try host.write(at: Host.now.advanced(bySeconds: -1))
    #expect(completeness("/api/signals")["completeness.syscall_tracer"] == 0.5)
}
