import FastCGI
import Model
import Store

extension Service {
    /// `GET /metrics`: what Prometheus scrapes. Answers with 200 also where the data are stale or the database is broken, as it is then
    /// that somebody has to be told; what is not known has no sample.
    func metrics(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        let format = Exposition.Format(accept: accept)
        var exposition = Exposition(format)
        do {
            // All of it first: what fails half-way must not leave half of it behind.
            let health = try reader.health(withDetails: true)
            let freshness = freshness(of: health.lastTick)
            let kept = try reader.statistics(now: clock()).all
            // What was measured a while ago is no measurement of now.
            let open = freshness.isStale ? nil : try reader.openGrades()
            let latest = freshness.isStale ? nil : try reader.latest()
            exposition.single("up", .gauge, "Whether the data are fresh.", freshness.isStale ? 0 : 1)
            exposition.single(
                "data_timestamp_seconds", .gauge, "When the newest data were measured.",
                health.lastTick.nanoseconds == 0 ? nil : Double(health.lastTick.nanoseconds) / 1e9)
            let components = health.components.map { $0.state.shown(with: freshness) }
            exposition.standing(of: components)
            exposition.signals(kept: kept, open: open)
            if let latest {
                exposition.numbers(of: components)
                exposition.host(latest)
            }
        } catch is StoreError {
            exposition.single("up", .gauge, "Whether the data are fresh.", 0)
        }
        exposition.agent(agentFigures())
        if let server { exposition.workers(try recentPool.value { server.pool }.servers) }
        return Reply(contentType: format.contentType, body: exposition.bytes)
    }

    private func agentFigures() -> AgentFigures {
        guard let (word, decisions) = try? agent({ try $0.decisions(in: [.pending] + AgentDecision.State.changed) })
        else {
            return AgentFigures()
        }
        var figures = AgentFigures()
        switch word {
        case .alive: figures.isAlive = true
        case .silent, .unreadable: figures.isAlive = false
        case .neverRan: break
        }
        figures.decisions = decisions.map { decisions in
            let states: [AgentDecision.State] = [.pending] + AgentDecision.State.changed
            return states.map { state in (state.rawValue, decisions.count { $0.state == state }) }
        }
        return figures
    }
}

/// What is counted of the agent; `nil` is not known, or that none has run.
private struct AgentFigures {
    var isAlive: Bool?
    /// Decisions that wait for a person or whose changes stand, by state.
    var decisions: [(state: String, count: Int)]?
}

extension Exposition {
    fileprivate mutating func host(_ latest: Reader.Latest) {
        let numbers = Instances(latest.numbers.lazy.map { (name: $0.metric, value: $0) })
        for gauge in HostFamily.gauges {
            family(gauge.name, .gauge, gauge.help) { family in
                for sample in numbers.of(gauge) {
                    family.sample(sample.value.value * sample.scale, labels: sample.labels)
                }
            }
        }
        for counter in HostFamily.counters {
            family(counter.name, .counter, counter.help) { family in
                for sample in numbers.of(counter) {
                    if let count = sample.value.count { family.sample(count, labels: sample.labels) }
                }
            }
        }
        let totals = Instances(latest.histograms.lazy.map { (name: $0.metric, value: $0) })
        for latency in HostFamily.latencies {
            family(latency.name, .histogram, latency.help) { family in
                for sample in totals.of(latency) {
                    family.histogram(
                        octaves: sample.value.octaves, sum: Double(sample.value.sumNanoseconds) / 1e9,
                        labels: sample.labels)
                }
            }
        }
    }

    /// - Parameter open: `nil` where it is not known how it is now.
    fileprivate mutating func signals(kept: SignalCounts, open: [(type: SignalType, severity: Severity)]?) {
        family("signals_open", .gauge, "Signals that are open, by type and by how bad they are now.") { family in
            guard let open else { return }
            for type in SignalType.allCases {
                for severity in Severity.allCases {
                    let count = open.count { $0.type == type && $0.severity == severity }
                    family.sample(Double(count), ("type", type.rawValue), ("severity", severity.name))
                }
            }
        }
        family("signals_kept", .gauge, "Signals in the database, by type and by how bad they were at worst.") {
            family in
            for type in SignalType.allCases {
                for severity in Severity.allCases where kept[type, severity].count > 0 {
                    family.sample(
                        Double(kept[type, severity].count), ("type", type.rawValue), ("severity", severity.name))
                }
            }
        }
    }

    fileprivate mutating func standing(of components: [ComponentState]) {
        family("component_ok", .gauge, "Whether a part of the collector is in order.") { family in
            for part in components { family.sample(part.status == .ok ? 1 : 0, ("component", part.component)) }
        }
    }

    fileprivate mutating func numbers(of components: [ComponentState]) {
        func details<Details: Decodable>(_ name: String, _ type: Details.Type) -> Details? {
            components.first { $0.component == name }?.details(type)
        }
        let tracers = TracerName.allCases.compactMap { name in
            details(name.rawValue, TracerDetails.self).map { (name: name.rawValue, details: $0) }
        }
        family("tracer_coverage", .gauge, "1 for what a tracer measures now: full, sampled or off.") { family in
            for (name, details) in tracers {
                for coverage in Coverage.allCases {
                    let isThis = details.state == "attached" && details.coverage == coverage.rawValue
                    family.sample(isThis ? 1 : 0, ("tracer", name), ("coverage", coverage.rawValue))
                }
            }
        }
        family("tracer_runs", .counter, "Runs of a tracer's hooks.") { family in
            for (name, details) in tracers {
                if let runs = details.cost?.runs { family.sample(runs, ("tracer", name)) }
            }
        }
        family("tracer_run_seconds", .gauge, "What a run of a hook takes, mean.") { family in
            for (name, details) in tracers {
                if let time = details.cost?.nsPerRun { family.sample(time / 1e9, ("tracer", name)) }
            }
        }
        family("tracer_map_bytes", .gauge, "Kernel memory of a tracer's maps.") { family in
            for (name, details) in tracers {
                if let bytes = details.cost?.mapBytes { family.sample(bytes, ("tracer", name)) }
            }
        }
        family(
            "tracer_completeness_ratio", .gauge, "Share of a tracer's hook runs in the last minute that were measured."
        ) { family in
            for (name, details) in tracers {
                if let share = details.completeness { family.sample(share, ("tracer", name)) }
            }
        }
        family("tracer_ledger_runs", .counter, "What became of the runs of a tracer's hooks.") { family in
            for (name, details) in tracers {
                for (fate, count) in details.ledger?.fates ?? [] {
                    if let count { family.sample(count, ("tracer", name), ("fate", fate)) }
                }
            }
        }
        family("tracer_ledger_events", .counter, "What became of a tracer's raw events.") { family in
            for (name, details) in tracers {
                for (fate, count) in details.ledger?.events ?? [] {
                    if let count { family.sample(count, ("tracer", name), ("fate", fate)) }
                }
            }
        }
        let governor = details("governor", GovernorDetails.self)
        single(
            "overhead_budget_ratio", .gauge, "Share of the host's CPU time that watching may take.",
            governor?.budgetPercentOfHost.map { $0 / 100 })
        single(
            "overhead_ratio", .gauge, "Share of the host's CPU time that collector and hooks take.",
            governor?.costPercentOfHost.map { $0 / 100 })
        family("overhead_part_ratio", .gauge, "The same by part.") { family in
            if let own = governor?.collectorPercentOfHost { family.sample(own / 100, ("part", "collector")) }
            for tracer in governor?.tracers ?? [] {
                if let share = tracer.percentOfHost { family.sample(share / 100, ("part", tracer.name)) }
            }
        }
        let collector = details("collector", CollectorDetails.self)
        single("collector_resident_bytes", .gauge, "Resident memory of the collector.", collector?.residentBytes)
        single(
            "collector_tick_seconds", .gauge, "What the collector's last tick took.",
            collector?.tickMicroseconds.map { $0 / 1e6 })
        single("collector_missed_ticks", .counter, "Seconds that the collector missed.", collector?.missedTicks)
        let writer = details("writer", WriterDetails.self)
        single("writer_commits", .counter, "Transactions of the collector's writer.", writer?.commits)
        single("writer_failures", .counter, "Transactions that failed.", writer?.failures)
        single(
            "writer_dropped_rows", .counter, "Rows that could not be kept until they were written.", writer?.droppedRows
        )
        single(
            "writer_commit_seconds", .gauge, "What the last transaction took.", writer?.lastCommitMs.map { $0 / 1000 })
        single("database_bytes", .gauge, "Size of the database.", writer?.databaseBytes)
        single("wal_bytes", .gauge, "Size of the write-ahead log.", writer?.walBytes)
    }

    fileprivate mutating func agent(_ figures: AgentFigures) {
        single("agent_up", .gauge, "Whether the agent is heard of.", figures.isAlive.map { $0 ? 1 : 0 })
        family("agent_decisions", .gauge, "Decisions that wait for a person, or whose changes stand.") { family in
            for (state, count) in figures.decisions ?? [] { family.sample(Double(count), ("state", state)) }
        }
    }

    fileprivate mutating func workers(_ servers: [(name: String, Server.Statistics)]) {
        func each(
            _ name: String, _ kind: Kind, _ help: String, _ value: (Server.Statistics) -> Double
        ) -> (String, Kind, String, [(String, Double)]) {
            (name, kind, help, servers.map { ($0.name, value($0.1)) })
        }
        let families = [
            each("worker_requests", .counter, "Requests that a worker answered.") { Double($0.requests) },
            each("worker_failures", .counter, "Replies of a worker with a status from 500 on.") { Double($0.failures) },
            each("worker_connections", .counter, "Connections that a worker took.") { Double($0.connections) },
            each("worker_open_connections", .gauge, "Connections to a worker that are open.") { Double($0.open) },
            each("worker_busy_threads", .gauge, "Requests that a worker is at.") { Double($0.busy) },
            each("worker_threads", .gauge, "Threads of a worker.") { Double($0.threads) },
            each("worker_start_timestamp_seconds", .gauge, "When a worker was started.") { Double($0.started) / 1e9 },
        ]
        for (name, kind, help, samples) in families {
            family(name, kind, help) { family in
                for (worker, value) in samples { family.sample(value, ("worker", worker)) }
            }
        }
    }
}
