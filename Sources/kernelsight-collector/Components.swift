import Model
import Settings
import Store

/// Rows for `/api/diagnostics`: what each part of the collector says about itself.
enum Components {
    /// One tracer: whether it runs, its ledger, its cost, and what stands in for it when it does not.
    static func tracer(_ status: TracerStatus, _ losses: RecentLosses, uptime: Double) -> ComponentState {
        var json = JSONWriter()
        json.object {
            state(status.state, to: &$0)
            $0.member("coverage", status.coverage.rawValue)
            $0.member("fallback", status.fallback)
            $0.array("hooks") { for hook in status.hooks { $0.element(hook) } }
            $0.member("events_per_second", status.eventsPerSecond)
            $0.member("completeness", completeness(status, losses))
            $0.object("ledger") { ledger(status.ledger, to: &$0) }
            $0.object("last_minute") {
                $0.member("runs", losses.runs)
                $0.member("missed", losses.missed)
            }
            $0.object("cost") { cost(status.cost, uptime: uptime, to: &$0) }
        }
        let (level, message): (ComponentState.Status, String) =
            switch status.state {
            case .attached where status.coverage == .off:
                (.warning, "off, as it would cost more than overhead.budget_percent; instead: \(status.fallback)")
            case .attached where status.coverage == .sampled:
                (
                    .warning,
                    "measures one thread in sixteen, as all would cost more than overhead.budget_percent; of processes: "
                        + status.fallback
                )
            case .attached where losses.isWorthAWarning:
                (
                    .warning,
                    "attached, but \(losses.missed) of \(losses.runs) runs in the last minute are missing from the counts"
                )
            case .attached: (.ok, "attached to \(status.hooks.joined(separator: ", "))")
            case .detached: (.warning, stopped)
            case .disabled: (.ok, "disabled in tracers.enabled; instead: \(status.fallback)")
            case .failed(let reason, let remedy): (.warning, "\(reason). \(remedy) Meanwhile: \(status.fallback)")
            }
        return ComponentState(
            component: status.name.rawValue, status: level, message: message, detail: json.text)
    }

    /// Share of a tracer's hook runs of the last minute that were measured; `nil` for one that measures nothing.
    private static func completeness(_ status: TracerStatus, _ losses: RecentLosses) -> Double? {
        status.state == .attached && status.coverage != .off ? losses.completeness : nil
    }

    /// The same of all tracers that are asked for, as replies have it.
    static func completeness(_ statuses: [TracerStatus], _ losses: [TracerName: RecentLosses]) -> String {
        var json = JSONWriter(capacity: 128)
        json.object {
            for status in statuses where status.state != .disabled {
                $0.member(named: status.name.rawValue, completeness(status, losses[status.name] ?? RecentLosses()))
            }
        }
        return json.text
    }

    /// What the tracers share: the walk over all threads, and the hook that hands over the numbers of one that ends.
    static func processes(_ status: ProcessesStatus, _ losses: RecentLosses, uptime: Double) -> ComponentState {
        var json = JSONWriter()
        json.object {
            state(status.state, to: &$0)
            $0.array("hooks") { for hook in status.hooks { $0.element(hook) } }
            $0.member("threads", status.threads)
            $0.object("ledger") {
                $0.member("seen", status.ledger.seen)
                $0.member("aggregated", status.ledger.aggregated)
                $0.member("filtered", status.ledger.filtered)
                $0.member("lost", status.ledger.lost)
                $0.member("recursion_misses", status.ledger.recursionMisses)
                $0.member("dropped_in_user_space", status.ledger.droppedInUserSpace)
            }
            $0.object("cost") { cost(status.cost, uptime: uptime, to: &$0) }
        }
        let (level, message): (ComponentState.Status, String) =
            switch status.state {
            case .attached where losses.isWorthAWarning:
                (.warning, "the last numbers of \(losses.missed) threads that ended in the last minute are lost")
            case .attached: (.ok, "follows \(status.threads) threads")
            case .detached: (.warning, stopped)
            case .disabled: (.ok, "no tracer is enabled; /proc tells about processes")
            case .failed(let reason, let remedy): (.warning, "\(reason). \(remedy)")
            }
        return ComponentState(component: "processes", status: level, message: message, detail: json.text)
    }

    private static let stopped = "the collector has stopped"

    /// What a part leaves behind when the collector stops: its last numbers, and that they are the last.
    static func last(_ state: ComponentState) -> ComponentState {
        ComponentState(component: state.component, status: .warning, message: stopped, detail: state.detail)
    }

    private static func state(_ state: TracerStatus.State, to json: inout JSONWriter) {
        switch state {
        case .attached: json.member("state", "attached")
        case .detached: json.member("state", "detached")
        case .disabled: json.member("state", "disabled")
        case .failed(let reason, let remedy):
            json.member("state", "failed")
            json.member("reason", reason)
            json.member("remedy", remedy)
        }
    }

    private static func ledger(_ ledger: Ledger, to json: inout JSONWriter) {
        json.member("seen", ledger.seen)
        json.member("aggregated", ledger.aggregated)
        json.member("filtered", ledger.filtered)
        json.member("unsampled", ledger.unsampled)
        json.object("lost") {
            $0.member("storage", ledger.lostStorage)
            $0.member("map_full", ledger.lostMapFull)
            $0.member("start_missing", ledger.lostStartMissing)
        }
        json.member("recursion_misses", ledger.recursionMisses)
        json.member("entered", ledger.entered)
        json.member("exited", ledger.exited)
        json.member("in_flight", ledger.inFlight.map { Double($0) })
        json.member("abandoned", ledger.abandoned)
        json.member("candidates", ledger.candidates)
        json.member("emitted", ledger.emitted)
        json.member("sampled_out", ledger.sampledOut)
        json.member("ringbuf_full", ledger.ringBufferFull)
        json.member("stored", ledger.stored)
        json.member("dropped_in_user_space", ledger.droppedInUserSpace)
    }

    private static func cost(_ cost: TracerCost, uptime: Double, to json: inout JSONWriter) {
        json.member("runs", cost.runs)
        json.member("ns_per_run", cost.nanosecondsPerRun)
        json.member(
            "cpu_percent_of_one_core",
            cost.nanosecondsPerRun.flatMap { uptime > 0 ? $0 * Double(cost.runs) / uptime / 1e7 : nil })
        json.member("map_bytes", cost.mapBytes)
    }

    /// The /proc readers: which failed, and what each took.
    static func readers(_ timings: [ReaderTiming]) -> ComponentState {
        var json = JSONWriter()
        json.object {
            $0.array("readers") {
                for timing in timings {
                    $0.object {
                        $0.member("name", timing.name)
                        $0.member("microseconds", Double(timing.nanoseconds) / 1000)
                        $0.member("error", timing.error)
                    }
                }
            }
        }
        let failed = timings.filter { $0.error != nil }
        let message =
            failed.isEmpty
            ? "\(timings.count) readers work"
            : failed.map { "\($0.name): \($0.error ?? "")" }.joined(separator: "; ")
        return ComponentState(
            component: "readers", status: failed.isEmpty ? .ok : .warning, message: message, detail: json.text)
    }

    /// What is open, and which rules cannot tell for want of data.
    static func detection(open: [Episode], blindness: [SignalType: String], refused: UInt64) -> ComponentState {
        var json = JSONWriter()
        json.object {
            $0.member("open_signals", open.count)
            $0.member("refused_signals", refused)
            $0.object("blind") {
                for (type, reason) in blindness.sorted(by: { $0.key.code < $1.key.code }) {
                    $0.member(named: type.rawValue, text: reason)
                }
            }
        }
        let blind = blindness.keys.map(\.rawValue).sorted().joined(separator: ", ")
        return ComponentState(
            component: "detection", status: blindness.isEmpty && refused == 0 ? .ok : .warning,
            message: blindness.isEmpty ? "\(open.count) signals open" : "cannot tell everything about \(blind)",
            detail: json.text)
    }

    /// What the collector and its hooks cost, what they may, and what was done about it.
    static func governor(
        _ governor: Governor, own: Double, _ steps: [(time: Timestamp, step: CoverageStep)]
    ) -> ComponentState {
        let percent = { (cost: Double) in 100 * cost / governor.host }
        let total = own + governor.tracers.values.reduce(0) { $0 + $1.cost }
        var json = JSONWriter()
        json.object {
            $0.member("budget_percent_of_host", percent(governor.budget))
            $0.member("cost_percent_of_host", percent(total))
            $0.member("collector_percent_of_host", percent(own))
            $0.array("tracers") {
                for (name, memory) in governor.tracers.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    $0.object {
                        $0.member("name", name.rawValue)
                        $0.member("coverage", memory.coverage.rawValue)
                        $0.member("percent_of_host", percent(memory.cost))
                    }
                }
            }
            $0.array("steps") {
                for (time, step) in steps {
                    $0.object {
                        $0.member("timestamp", time.rfc3339)
                        $0.member("tracer", step.tracer.rawValue)
                        $0.member("from", step.from.rawValue)
                        $0.member("to", step.to.rawValue)
                        $0.member("reason", step.reason)
                    }
                }
            }
        }
        let short = { (cost: Double) in "\((percent(cost) * 100).rounded() / 100) %" }
        let less = governor.tracers.filter { $0.value.coverage != .full }.map {
            "\($0.key.rawValue) is \($0.value.coverage.rawValue)"
        }
        let message = "costs \(short(total)) of the host's CPU time, may cost \(short(governor.budget))"
        return ComponentState(
            component: "governor", status: less.isEmpty ? .ok : .warning,
            message: ([message] + less.sorted()).joined(separator: "; "), detail: json.text)
    }

    /// The writer: whether it commits, how long that takes, and what it had to drop.
    static func writer(_ status: WriterStatus) -> ComponentState {
        var json = JSONWriter()
        json.object {
            $0.member("commits", status.commits)
            $0.member("failures", status.failures)
            $0.member("pending_rows", status.pendingRows)
            $0.member("last_commit_ms", status.lastCommitSeconds * 1000)
            $0.member("longest_commit_ms", status.longestCommitSeconds * 1000)
            $0.member("wal_bytes", status.walBytes)
            $0.member("database_bytes", status.databaseBytes)
            $0.member("dropped_rows", status.dropped.rows)
        }
        let (level, message): (ComponentState.Status, String) =
            switch status.state {
            case .running where status.dropped.rows > 0:
                (.warning, "writes, but \(status.dropped.rows) rows had to be dropped since the start")
            case .running: (.ok, "writes; the last commit took \(Int(status.lastCommitSeconds * 1000)) ms")
            case .failing(let error): (.error, "\(error)")
            case .closed: (.warning, stopped)
            }
        return ComponentState(component: "writer", status: level, message: message, detail: json.text)
    }

    /// What is kept for how long, what went, and whether deletions wait.
    static func retention(_ kept: Settings.Retention, _ status: WriterStatus) -> ComponentState {
        var json = JSONWriter()
        json.object {
            $0.member("signals_days", kept.signalsDays)
            $0.array("series") {
                for tier in kept.series {
                    $0.object {
                        $0.member("step_seconds", tier.width)
                        $0.member("kept_seconds", tier.seconds)
                    }
                }
            }
            $0.member("events_megabytes", kept.eventsMegabytes)
            $0.member("oldest_signal", status.oldestSignal?.rfc3339)
            $0.member("retired_rows", status.retired)
            $0.member("free_pages", status.freePages)
            $0.member("held_seconds", status.heldSeconds)
        }
        let series = kept.series.map { span($0.seconds) }.joined(separator: "/")
        let held = status.heldSeconds.map {
            "; nothing goes for its age in the next \(Int($0.rounded(.up))) s, until the clock has stood for 10 minutes"
        }
        return ComponentState(
            component: "retention", status: .ok,
            message: "keeps signals \(kept.signalsDays) d, series \(series), events \(kept.eventsMegabytes) MB; "
                + "\(status.retired) rows went since the start\(held ?? "")",
            detail: json.text)
    }

    private static func span(_ seconds: Int64) -> String {
        for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60)] as [(String, Int64)]
        where seconds.isMultiple(of: length) { return "\(seconds / length) \(unit)" }
        return "\(seconds) s"
    }

    /// The collector itself: what it costs, how punctual it is, and whether its configuration is that of the file.
    static func collector(
        _ cost: SelfCost, missedTicks: UInt64, refused: String?, waiting: [String]
    ) -> ComponentState {
        var json = JSONWriter()
        json.object {
            $0.member("pid", SelfCost.identity.pid)
            $0.member("cpu_percent_of_one_core", cost.cpuPercent)
            $0.member("resident_bytes", cost.residentBytes)
            $0.member("tick_microseconds", cost.tickMicroseconds)
            $0.member("missed_ticks", missedTicks)
            $0.member("configuration_error", refused)
            $0.array("waiting_for_restart") { for key in waiting { $0.element(key) } }
        }
        let (level, message): (ComponentState.Status, String) =
            if let refused {
                (.warning, "the new configuration was refused, the old one is in force: \(refused)")
            } else if !waiting.isEmpty {
                (.warning, "restart the collector for what has changed: \(waiting.joined(separator: ", "))")
            } else {
                (.ok, cost.cpuPercent.map { "takes \(Double(Int($0 * 100)) / 100) % of one core" } ?? "starting")
            }
        return ComponentState(component: "collector", status: level, message: message, detail: json.text)
    }
}
