import Model
import Store

extension Service {
    /// `GET /api/signals`: signals that opened in the window or are still open, newest first.
    func signals(_ parameters: inout Parameters) throws -> Reply {
        var query = SignalQuery()
        if let type = parameters.choice("signal_type", SignalType.allCases.map { ($0.rawValue, $0) }) {
            query.types = [type]
        }
        query.minimumSeverity = parameters.choice("severity", Severity.allCases.map { ($0.name, $0) }) ?? .low
        query.limit = parameters.integer("limit", in: 1...1000, default: 20)
        query.state = parameters.choice("state", Episode.State.allCases.map { ($0.rawValue, $0) })
        query.entity = parameters.text("entity", length: 128, form: "a name or an id of an entity") {
            $0.isEmpty ? nil : $0
        }
        query.cursor = parameters.text("cursor", length: 13, form: "next_cursor of the page before") {
            Int64($0, radix: 36).flatMap { $0 > 0 ? $0 : nil }
        }
        let lookback = parameters.integer("lookback_minutes", in: 1...1440, default: 10)
        if let since = parameters.time("since") {
            query.since = since
            if parameters.has("lookback_minutes") {
                parameters.fault("since", since.rfc3339, "cannot go together with lookback_minutes; give one of them")
            }
        } else {
            query.since = clock().advanced(bySeconds: Double(-60 * lookback))
        }
        if query.state == .open && !parameters.has("since") && !parameters.has("lookback_minutes") { query.since = nil }
        query.until = parameters.time("until")
        if let since = query.since, let until = query.until, until <= since {
            parameters.fault("until", until.rfc3339, "must be after \(since.rfc3339), where the window begins")
        }
        try parameters.finish()
        query.orOpen = query.state == nil

        let page = try reader.signals(query)
        return Reply(capacity: 512 + 1024 * page.signals.count) { json in
            json.member("signal_count", page.signals.count)
            json.member("summary", Self.summary(page.signals))
            if !parameters.has("since") { json.member("lookback_minutes", lookback) }
            json.data(of: page.state.lastCommit, in: page.state, isStale: freshness(of: page.state.lastCommit).isStale)
            json.member("next_cursor", page.next.map { String($0, radix: 36) })
            json.array("signals") { json in
                for signal in page.signals { json.object { $0.signal(signal) } }
            }
        }
    }

    /// `Found 3 signals: 2 scheduler (high), 1 io_congestion (low).`, most frequent first.
    private static func summary(_ signals: [StoredSignal]) -> String {
        guard !signals.isEmpty else { return "Found no signals." }
        var counts = [(type: SignalType, count: Int, worst: Severity)]()
        for signal in signals {
            if let index = counts.firstIndex(where: { $0.type == signal.type }) {
                counts[index].count += 1
                counts[index].worst = max(counts[index].worst, signal.peak.severity)
            } else {
                counts.append((signal.type, 1, signal.peak.severity))
            }
        }
        counts.sort { ($0.count, $1.type.code) > ($1.count, $0.type.code) }
        let parts = counts.map { "\($0.count) \($0.type.rawValue) (\($0.worst.name))" }
        return "Found \(signals.count) signal\(signals.count == 1 ? "" : "s"): \(parts.joined(separator: ", "))."
    }
}

extension JSONWriter {
    /// The members that a signal has everywhere.
    mutating func signal(_ signal: StoredSignal) {
        member("id", signal.id)
        member("timestamp", signal.opened.nanoseconds)
        member("timestamp_iso", rfc3339: signal.opened)
        member("signal_type", signal.type.rawValue)
        member("signal_category", signal.category.rawValue)
        member("label", signal.label)
        member("state", signal.state.rawValue)
        member("severity", signal.peak.severity.name)
        member("pressure_score", signal.peak.score)
        member("current_severity", signal.current.severity.name)
        member("current_score", signal.current.score)
        signal.writeSummary("summary", to: &self)
        member("scope", signal.entity.kind.rawValue)
        object("entity") {
            $0.member("type", signal.entity.kind.rawValue)
            $0.member("id", signal.entity.id)
            $0.member("name", signal.entity.name)
        }
        member("first_seen", signal.opened.nanoseconds)
        member("last_seen", signal.lastSeen.nanoseconds)
        member("last_seen_iso", rfc3339: signal.lastSeen)
        if let closed = signal.closed {
            member("closed_at", closed.nanoseconds)
            member("closed_at_iso", rfc3339: closed)
        } else {
            member("closed_at", nil as Double?)
            member("closed_at_iso", nil as String?)
        }
        member("occurrence_count", signal.occurrences)
        array("culprits") { json in
            for culprit in signal.culprits {
                json.object {
                    $0.process(culprit.process, culprit.comm, culprit.cgroup)
                    $0.member("share", culprit.share)
                    $0.member("measure", culprit.measure)
                }
            }
        }
    }

    /// The members that whoever causes or suffers something has.
    mutating func process(_ process: ProcessIdentity, _ comm: String, _ cgroup: String) {
        object("process") {
            $0.member("pid", process.pid)
            $0.member("start_ticks", process.startTicks)
        }
        member("comm", comm)
        member("cgroup", cgroup)
    }
}
