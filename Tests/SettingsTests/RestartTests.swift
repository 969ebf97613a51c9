import Testing

@testable import Settings

@Suite struct RestartTests {
    @Test func `a change that needs a restart is named, for whom it needs one, until it is taken back`() throws {
        let old = try Settings.parse(yaml: "tracers: {enabled: [sched_tracer]}\n")
        let new = try Settings.parse(
            yaml: """
                database: {path: other.db}
                tracers: {enabled: [], sampling: {sched_tracer: 7}, event_threshold_ms: {io_latency_tracer: 20}}
                retention: {signals_days: 5}
                advanced: {signal_batch_size: 7, database_connection_pool_size: 6}
                api: {threads: 9, slow_request_ms: 7, slow_query_ms: 7}
                """)
        #expect(
            new.needsRestart(of: .collector, startedWith: old)
                == ["database.path", "tracers.enabled", "tracers.event_threshold_ms.io_latency_tracer"])
        #expect(
            new.needsRestart(of: .worker, startedWith: old)
                == ["database.path", "advanced.database_connection_pool_size", "api.threads"])
        for program in Settings.Program.allCases { #expect(old.needsRestart(of: program, startedWith: old) == []) }
    }
}
