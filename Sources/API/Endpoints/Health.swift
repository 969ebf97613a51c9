import Model
import Store

extension Service {
    /// `GET /api/health`: healthy or degraded (200), or unhealthy (503).
    func health(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        do {
            let health = try currentHealth()
            let freshness = freshness(of: health.lastTick)
            let missing = health.components.filter { $0.state.status != .ok }.map(\.state.component)
            var reply = Reply { json in
                json.member("status", freshness.isStale ? "unhealthy" : missing.isEmpty ? "healthy" : "degraded")
                json.member("database", "connected")
                json.member("signal_count", health.signalCount)
                json.member("open_signals", health.openSignals)
                json.member("timestamp", clock().rfc3339)
                json.dataAge(health.lastTick, freshness)
                if let reason = staleReason(freshness) {
                    json.member("reason", reason)
                } else if !missing.isEmpty {
                    json.member("reason", "Not in order: \(missing.joined(separator: ", ")).")
                }
                json.array("components") { json in
                    for component in health.components {
                        json.object { $0.component(component.state.shown(with: freshness), heard: component.time) }
                    }
                }
            }
            if freshness.isStale { reply.becomeUnavailable() }
            reply.caching = .never
            return reply
        } catch let error as StoreError {
            return unhealthy(error)
        }
    }

    /// `GET /api/health/live`: this process answers.
    func live(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        var reply = Reply(capacity: 32) { $0.member("status", "live") }
        reply.caching = .never
        return reply
    }

    /// `GET /api/health/ready`: the database can be read and its data is fresh.
    func ready(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        do {
            let lastTick = try currentHealth().lastTick
            let freshness = freshness(of: lastTick)
            var reply = Reply(capacity: 256) { json in
                json.member("status", freshness.isStale ? "unready" : "ready")
                json.dataAge(lastTick, freshness)
                if let reason = staleReason(freshness) { json.member("reason", reason) }
            }
            if freshness.isStale { reply.becomeUnavailable() }
            reply.caching = .never
            return reply
        } catch let error as StoreError {
            return unhealthy(error, status: "unready")
        }
    }

    private func unhealthy(_ error: StoreError, status: String = "unhealthy") -> Reply {
        var reply = Reply { json in
            json.member("status", status)
            json.member("database", error.databaseState)
            json.member("signal_count", nil as Double?)
            json.member("timestamp", clock().rfc3339)
            json.dataTime(nil, isStale: true)
            json.member("data_age_seconds", nil as Double?)
            json.member("reason", error.description)
        }
        reply.becomeUnavailable()
        return reply
    }

    /// Why the data is stale, and whether the disk may be what is behind it; `nil` when it is not stale.
    func staleReason(_ freshness: Freshness) -> String? {
        guard let reason = freshness.reason else { return nil }
        guard let disk = diskSpace(), disk.status == .error else { return reason }
        return "\(reason) Only \(disk.message)."
    }
}

extension Reply {
    fileprivate mutating func becomeUnavailable() {
        status = 503
        retryAfter = 2
        caching = .never
    }
}

extension JSONWriter {
    fileprivate mutating func dataAge(_ time: Timestamp, _ freshness: Freshness) {
        dataTime(time, isStale: freshness.isStale)
        member("data_age_seconds", freshness.age.map { max(0, $0) })
    }

    fileprivate mutating func component(_ state: ComponentState, heard time: Timestamp) {
        member("component", state.component)
        member("status", state.status.rawValue)
        member("message", state.message)
        member("timestamp", rfc3339: time)
    }
}
