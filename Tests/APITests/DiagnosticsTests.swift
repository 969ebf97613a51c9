import Model
import Testing

@testable import API

/// What a collector says about itself and its parts.
private let parts = [
    ComponentState(component: "collector", status: .ok, message: "takes 0.4 % of one core", detail: #"{"pid":7}"#),
    ComponentState(component: "detection", status: .ok, message: "0 signals open"),
    ComponentState(component: "sched_tracer", status: .warning, message: "stepped down", detail: #"{"level":2}"#),
    ComponentState(component: "page_fault_tracer", status: .error, message: "no BTF"),
    ComponentState(component: "writer", status: .ok, message: "commits once a second"),
]

private let full = DiskSpace(directory: "/data/", freeBytes: 12_000_000, totalBytes: 2_000_000_000)

@Test func `diagnostics list the database, each part of the collector, the disk and the agent, each once`() throws {
    let host = try Host()
    try host.write(components: parts)
    let answer = host.get("/api/diagnostics")
    let names = (0..<(answer.count("checks") ?? 0)).map { answer["checks.\($0).component"] }
    #expect(
        names == [
            "database", "collector", "detection", "page_fault_tracer", "sched_tracer", "syscall_tracer", "writer",
            "disk",
            "agent",
        ])
    #expect(answer["overall_status"] == "error")
    // Where a reply may not be kept, those who ask at once wait for each other in nginx.
    #expect(answer.header("Cache-Control") == "public, max-age=1, stale-while-revalidate=2, stale-if-error=10")
    #expect(answer["checks.0.status"] == "ok")
    #expect(answer["checks.1.details.0"] == "takes 0.4 % of one core")
    #expect(answer["checks.1.data.pid"] == 7)
    #expect(answer["checks.4.details.0"] == "stepped down")
    #expect(answer["checks.4.data.level"] == 2)
}

@Test func `when the data is stale, the collector is an error and nothing that it said is shown as ok`() throws {
    for now in [Host.now.advanced(bySeconds: 60), Host.now.advanced(bySeconds: -60)] {
        let host = try Host(now: now)
        try host.write(components: parts)
        let diagnostics = host.get("/api/diagnostics"), health = host.get("/api/health")
        #expect(diagnostics["overall_status"] == "error")
        #expect(diagnostics.component("collector", of: "checks")?["status"] == "error")
        #expect(diagnostics["checks.1.details.0"] == health["reason"])
        for (answer, list) in [(diagnostics, "checks"), (health, "components")] {
            #expect(answer.component("writer", of: list)?["status"] == "warning")
            #expect(answer.component("sched_tracer", of: list)?["status"] == "warning")
            #expect(answer.component("page_fault_tracer", of: list)?["status"] == "error")
        }
    }
}

@Test func `before anything was written, the collector is an error although it has said nothing yet`() throws {
    let host = try Host(withDatabase: false)
    try host.startWriter()
    #expect(host.get("/api/diagnostics").component("collector", of: "checks")?["status"] == "error")
}

@Test(arguments: [
    (9_000, 10_000, ComponentState.Status.ok), (400, 10_000, .warning), (90, 10_000, .error), (255, 1_000, .warning),
    (257, 1_000, .ok), (31, 100, .error), (33, 100, .warning), (0, 0, .error),
])
func `the disk is a warning below 5 % or 256 MB, an error below 1 % or 32 MB`(
    megabytesFree: UInt64, of total: UInt64, status: ComponentState.Status
) throws {
    let host = try Host()
    host.service.diskSpace = {
        DiskSpace(directory: "/data/", freeBytes: megabytesFree * 1_000_000, totalBytes: total * 1_000_000)
    }
    let check = host.get("/api/diagnostics").component("disk", of: "checks")
    #expect(check?["status"] == .string(status.rawValue))
    #expect(host.get("/api/health").status == 200)
}

@Test func `the disk is the one that the database is on`() throws {
    let host = try Host()
    let space = try #require(DiskSpace.besides(database: host.path))
    #expect(host.path.hasPrefix(space.directory))
    #expect(space.freeBytes <= space.totalBytes)
    #expect((0...1).contains(space.freeShare))
    #expect(DiskSpace.besides(database: "/nonexistent/kernelsight.db") == nil)
    host.service.diskSpace = { nil }
    #expect(host.get("/api/diagnostics").component("disk", of: "checks")?["status"] == "warning")
}

@Test func `when the data is stale and the disk is full, the reason names the disk`() throws {
    let host = try Host(now: Host.now.advanced(bySeconds: 60))
    let remedy = "The newest data is 60 s old; start kernelsight-collector, or see its log."
    #expect(host.get("/api/health")["reason"] == .string(remedy))
    host.service.diskSpace = { full }
    let disk = "Only 12 of 2000 MB are free at /data/; on a full disk nothing more is recorded: make room."
    for path in ["/api/health", "/api/health/ready"] {
        #expect(host.get(path)["reason"] == .string("\(remedy) \(disk)"))
    }
}
