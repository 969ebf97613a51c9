import Foundation
import Model
import Store
import Testing

@testable import API

/// What Prometheus scrapes.
struct MetricsTests {
    private let host: Host

    init() throws {
        host = try Host()
        var waits = LatencyHistogram()
        waits.record(1_500_000, times: 3)
        waits.record(900)
        try host.write(
            episodes: [Host.episode(1, severity: .critical)],
            components: [
                ComponentState(
                    component: "syscall_tracer", status: .ok, message: "attached",
                    detail: #"""
                        {"state":"attached","coverage":"full","completeness":0.5,
                        "ledger":{"seen":9,"aggregated":7,"lost":{"map_full":2}},
                        "cost":{"runs":9,"ns_per_run":150,"map_bytes":4096}}
                        """#)
            ],
            samples: [
                MetricSample("cpu.busy", 0.25), MetricSample("disk.busy:vd\"a", 1), MetricSample("sched.blocked", 500),
                MetricSample("cpu.core.busy:3", 0.5), MetricSample("vm.oom_kills", 2, count: 2),
                MetricSample("net.rx_bytes:eth0", 1000, count: 1500),
            ], histograms: [HistogramSample("runq.latency", waits)])
    }

    private func lines(accept: String = "text/plain") -> [String] {
        let answer = host.get("/metrics", headers: [("HTTP_ACCEPT", accept)])
        #expect(answer.status == 200)
        return String(decoding: answer.response.body, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `the host's numbers, signals, tracers and the agent are there, in base units and with escaped labels`() {
        let lines = lines()
        for line in [
            "kernelsight_up 1", "kernelsight_cpu_busy_ratio 0.25", "kernelsight_tasks_uninterruptible 0.5",
            #"kernelsight_cpu_core_busy_ratio{cpu="3"} 0.5"#, #"kernelsight_disk_busy_ratio{device="vd\"a"} 1"#,
            #"kernelsight_signals_open{type="scheduler",severity="low"} 1"#,
            #"kernelsight_signals_kept{type="scheduler",severity="critical"} 1"#,
            #"kernelsight_tracer_runs_total{tracer="syscall_tracer"} 9"#,
            #"kernelsight_tracer_coverage{tracer="syscall_tracer",coverage="full"} 1"#,
            #"kernelsight_tracer_ledger_runs_total{tracer="syscall_tracer",fate="lost_map_full"} 2"#,
            #"kernelsight_component_ok{component="syscall_tracer"} 1"#,
        ] { #expect(lines.contains(line), "\(line)") }
        // No agent has run here.
        #expect(!lines.contains { $0.hasPrefix("kernelsight_agent_up") })
    }

    @Test func `a histogram's buckets add up, from the database's beginning on`() throws {
        let before = lines().filter { $0.hasPrefix("kernelsight_run_queue_latency_seconds") }
        #expect(before.contains("kernelsight_run_queue_latency_seconds_count 4"))
        #expect(before.contains(#"kernelsight_run_queue_latency_seconds_bucket{le="1.024e-06"} 1"#))
        #expect(before.contains(#"kernelsight_run_queue_latency_seconds_bucket{le="+Inf"} 4"#))
        let counts = before.filter { $0.contains("_bucket") }.compactMap { Double($0.split(separator: " ")[1]) }
        #expect(counts == counts.sorted())
        host.stopWriter()
        var more = LatencyHistogram()
        more.record(2_000_000)
        try host.write(samples: [MetricSample("cpu.busy", 0.3)], histograms: [HistogramSample("runq.latency", more)])
        #expect(lines().contains("kernelsight_run_queue_latency_seconds_count 5"))
    }

    @Test func `what is counted goes on from where it was, also over a restart`() throws {
        #expect(lines().contains("# TYPE kernelsight_oom_kills_total counter"))
        #expect(lines().contains("kernelsight_oom_kills_total 2"))
        let bytes = #"kernelsight_network_bytes_total{interface="eth0",direction="receive"} "#
        #expect(lines().contains(bytes + "1500"))
        host.stopWriter()
        // Nobody was killed since, and of the other interface nothing is known now.
        try host.write(samples: [MetricSample("vm.oom_kills", 0, count: 0)])
        #expect(lines().contains("kernelsight_oom_kills_total 2"))
        #expect(!lines().contains { $0.hasPrefix("kernelsight_network_bytes_total") })
        try host.write(
            samples: [MetricSample("vm.oom_kills", 1, count: 1), MetricSample("net.rx_bytes:eth0", 8, count: 12)])
        #expect(lines().contains("kernelsight_oom_kills_total 3"))
        #expect(lines().contains(bytes + "1512"))
    }

    @Test func `OpenMetrics is for who asks for it, and announces counters without their suffix`() {
        let lines = lines(accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        #expect(lines.last == "# EOF")
        #expect(lines.contains("# TYPE kernelsight_tracer_runs counter"))
        #expect(lines.contains(#"kernelsight_tracer_runs_total{tracer="syscall_tracer"} 9"#))
        #expect(!self.lines().contains("# EOF"))
        #expect(self.lines().contains("# TYPE kernelsight_tracer_runs_total counter"))
        let answer = host.get("/metrics", headers: [("HTTP_ACCEPT", "application/openmetrics-text")])
        #expect(answer.header("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8")
        #expect(answer.header("Vary") == "Accept")
    }

    @Test func `what is stale is not served as how it is now`() throws {
        var later = host.service
        later = Service(reader: Reader(path: host.path), clock: { Host.now.advanced(bySeconds: 60) })
        host.service = later
        let lines = lines()
        #expect(lines.contains("kernelsight_up 0"))
        #expect(!lines.contains { $0.hasPrefix("kernelsight_cpu_busy_ratio") })
        #expect(try Host(withDatabase: false).get("/metrics").status == 200)
    }
}
