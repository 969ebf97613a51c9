import Model

extension Key {
    /// Every key there is, in the order of `config.yaml`.
    static let all = storage + tracers + agent + pace + retention + thresholds + limits

    private static let storage = [
        Key(
            "database.path", .path(\.database.path), restart: [.collector, .worker, .agent],
            "The SQLite database. The collector is its only writer.")
    ]

    private static let tracers: [Key] =
        [
            Key(
                "tracers.enabled",
                .list(\.tracers.enabled.written, among: TracerName.allCases.map(\.rawValue), noun: "tracer"),
                restart: [.collector],
                "Tracers to attach; [] leaves the /proc readers alone.")
        ]
        + TracerName.allCases.map { tracer in
            Key(
                "tracers.sampling.\(tracer.rawValue)", .whole(\.tracers[tracer].eventsPerSecond, 0...100_000),
                unit: "events/s", "Detailed events that are kept. Counts and histograms are never sampled.")
        }
        + TracerName.allCases.map { tracer in
            Key(
                "tracers.event_threshold_ms.\(tracer.rawValue)",
                .number(\.tracers[tracer].thresholdMilliseconds, 0.001...60_000),
                unit: "ms", restart: [.collector], "From this on, \(tracer.outlier) is an event.")
        }

    private static let agent = [
        Key(
            "agent.cycle_interval_seconds", .whole(\.agent.cycleIntervalSeconds, 1...86_400), unit: "s",
            "Time between two decision cycles; a signal that becomes high starts one at once."),
        Key(
            "agent.mode", .choice(\.agent.mode.written, among: AgentMode.allCases.map(\.rawValue)), restart: [.agent],
            "observe decides and changes nothing, approve waits for a person's yes, auto acts."),
        Key(
            "agent.settle_seconds", .number(\.agent.settleSeconds, 3...600), unit: "s",
            "Time between an action and the look at what came of it."),
        Key(
            "agent.confidence_floor", .number(\.agent.confidenceFloor, 0...1),
            "Causes that are less sure than this are left alone."),
        Key(
            "agent.cool_down_seconds", .number(\.agent.coolDownSeconds, 0...86_400), unit: "s",
            "Until the same action is done to the same process again …"),
        Key(
            "agent.cool_down_after_failure_seconds", .number(\.agent.coolDownAfterFailureSeconds, 0...86_400),
            unit: "s", "… and where it did not help."),
        Key(
            "agent.most_actions_per_hour", .whole(\.agent.mostActionsPerHour, 0...3600), unit: "actions",
            "The agent does no more than this."),
        Key(
            "agent.approval_seconds", .number(\.agent.approvalSeconds, 10...86_400), unit: "s",
            "A decision waits this long for a person."),
        Key(
            "agent.undo_on_stop", .flag(\.agent.undoesOnStop),
            "Whether the agent takes its changes back when it stops."),
        Key(
            "agent.protected_processes", .list(\.agent.protected, noun: "name"),
            "Never touched, by name as in /proc/PID/comm; beside the init system, sshd and KernelSight itself."),
        Key(
            "agent.actions.enabled",
            .list(\.agent.enabled.written, among: ActionKind.changing.map(\.rawValue), noun: "action"),
            restart: [.agent],
            "What may be done at all."),
        Key(
            "agent.actions.unattended",
            .list(
                \.agent.unattended.written,
                among: [ActionKind.flushBuffers, .clearPageCache].map(\.rawValue), noun: "action"),
            "What cannot be undone and may be done without a person in mode auto."),
    ]

    private static let pace = [
        Key(
            "advanced.database_connection_pool_size", .whole(\.advanced.databaseConnectionPoolSize, 1...64),
            restart: [.worker], "Read connections in each API worker."),
        Key(
            "advanced.signal_batch_size", .whole(\.advanced.signalBatchSize, 1...100_000), unit: "rows",
            "Rows that are buffered before a write …"),
        Key(
            "advanced.flush_interval_seconds", .number(\.advanced.flushIntervalSeconds, 0.1...60), unit: "s",
            "… or this long, whichever comes first. A power cut loses at most this."),
    ]

    private static let retention = [
        Key("retention.signals_days", .whole(\.retention.signalsDays, 1...3650), unit: "days", "Signals."),
        Key(
            "retention.series_1s_hours", .number(\.retention.series1sHours, 0.1...168), unit: "h",
            "Series with one value a second."),
        Key(
            "retention.series_10s_hours", .number(\.retention.series10sHours, 0.1...1680), unit: "h",
            "Series with one value in 10 seconds."),
        Key(
            "retention.series_1m_days", .number(\.retention.series1mDays, 0.01...365), unit: "days",
            "Series with one value a minute."),
        Key(
            "retention.series_1h_days", .number(\.retention.series1hDays, 0.1...3650), unit: "days",
            "Series with one value an hour."),
        Key(
            "retention.events_megabytes", .whole(\.retention.eventsMegabytes, 1...1_000_000), unit: "MB",
            "Cap on raw events. The oldest go first; what a signal cites stays with it."),
    ]

    private static let limits = [
        Key(
            "hysteresis.open_after", .whole(\.hysteresis.openAfter, 1...60), unit: "ticks",
            "A signal opens when its condition held in this many …"),
        Key("hysteresis.window", .whole(\.hysteresis.window, 1...60), unit: "ticks", "… of this many last ticks."),
        Key(
            "hysteresis.close_after_seconds", .number(\.hysteresis.closeAfter, 1...3600), unit: "s",
            "It closes after this long without the condition."),
        Key(
            "hysteresis.release", .number(\.hysteresis.release, 0...1),
            "An open signal holds while its measure stays above this share of the threshold that opened it."),

        Key(
            "api.freshness_limit_seconds", .number(\.api.freshnessLimitSeconds, 1...3600), unit: "s",
            "Data older than this make /api/health unhealthy."),
        Key(
            "api.threads", .whole(\.api.threads, 1...512), restart: [.worker],
            "Threads in each worker, one a connection. What nginx keeps open should fit in three quarters."),
        Key(
            "api.slow_request_ms", .number(\.api.slowRequestMilliseconds, 1...60_000), unit: "ms",
            "A request that takes this long is logged."),
        Key(
            "api.slow_query_ms", .number(\.api.slowQueryMilliseconds, 1...60_000), unit: "ms",
            "A statement of SQL that takes this long is logged, with SQLite's plan for it."),

        Key(
            "overhead.budget_percent", .number(\.overhead.budgetPercent, 0.1...100), unit: "%",
            "What the collector and its hooks may cost, of the whole host's CPU time."),
    ]

    private static func threshold(
        _ name: String, _ place: WritableKeyPath<Thresholds, Bands> & Sendable, upTo top: Double = 1_000_000_000,
        unit: String = "", _ meaning: String
    ) -> Key {
        Key("thresholds.\(name)", .bands(place, upTo: top), unit: unit, meaning)
    }

    private static let thresholds: [Key] = [
        threshold(
            "memory_stall", \.memoryStall, upTo: 1,
            "Share of time in which some task stalled on memory (PSI some), or one process waited for pages that had been in memory."
        ),
        threshold("memory_used", \.memoryUsed, upTo: 1, "Share of memory in use; counts only together with stalls."),
        threshold("swap_rate", \.swapRate, unit: "pages/s", "Pages swapped in and out."),
        threshold("swap_used", \.swapUsed, upTo: 1, "Share of swap in use; counts only together with a swap rate."),
        threshold("cpu_stall", \.cpuStall, upTo: 1, "Share of time in which some task waited for a CPU (PSI some)."),
        threshold("load_per_core", \.loadPerCore, unit: "tasks", "Runnable tasks per core."),
        threshold("io_stall", \.ioStall, upTo: 1, "Share of time in which some task stalled on I/O (PSI some)."),
        threshold(
            "io_latency_ms", \.ioLatency, unit: "ms",
            "p95 of block I/O latency; half to ten times as much where the usual is known."),
        threshold(
            "device_busy", \.deviceBusy, upTo: 1, "Share of time that a device is busy; only together with a queue."),
        threshold("device_queue", \.deviceQueue, unit: "requests", "Mean requests in a device's queue."),
        threshold(
            "blocked_stall_ms", \.blockedStall, unit: "ms/s",
            "Time that one process spends in D state while its device is congested."),
        threshold("network_errors", \.networkErrors, upTo: 1, "Errors and drops per packet."),
        threshold("retransmits", \.retransmits, upTo: 1, "Retransmitted segments per segment sent."),
        threshold("listen_overflows", \.listenOverflows, unit: "per second", "Listen-queue overflows and drops."),
        threshold(
            "local_ports", \.localPorts, upTo: 1,
            "Share of the local port range in use from one address to one destination."),
        threshold(
            "time_wait", \.timeWait, unit: "sockets",
            "Sockets in TIME_WAIT; up to ten times as many where that is usual."),
        threshold(
            "close_wait", \.closeWait, unit: "sockets",
            "Sockets in CLOSE_WAIT; up to ten times as many where that is usual."),
        threshold(
            "syn_received", \.synReceived, unit: "sockets",
            "Sockets in SYN_RECV; up to ten times as many where that is usual."),
        threshold("syn_cookies", \.synCookies, unit: "per second", "SYNs answered with cookies as a queue is full."),
        threshold(
            "run_queue_wait_ms", \.runQueueWait, unit: "ms/s",
            "Time that a process which wants little CPU waits for it."),
        threshold("switch_storm", \.switchStorm, unit: "per second", "Context switches of one process."),
        threshold("blocking_io_latency_ms", \.blockingIOLatency, unit: "ms", "Slow calls that block on I/O."),
        threshold("lock_latency_ms", \.lockLatency, unit: "ms", "Slow calls that wait for a lock."),
        threshold("other_call_latency_ms", \.otherCallLatency, unit: "ms", "Slow calls of every other category."),
        threshold("major_faults", \.majorFaults, unit: "per second", "Major faults of one process."),
        threshold("fault_stall_ms", \.faultStall, unit: "ms/s", "Time that one process waits for its pages."),
    ]
}

extension TracerName {
    /// What the tracer's events are.
    fileprivate var outlier: String {
        switch self {
        case .syscall: "a call that was not meant to wait"
        case .scheduler: "a wait for a CPU"
        case .pageFault: "a page fault (every major fault is one)"
        case .blockIO: "a block request"
        }
    }
}
