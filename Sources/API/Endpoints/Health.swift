import Model
import Store

extension Service {
    /// `GET /api/health`: healthy or degraded (200), or unhealthy (503).
    func health(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        do {
            let health = try currentHealth()
            let isStale = isStale(health.lastTick)
            let missing = health.components.filter { $0.state.status != .ok }.map(\.state.component)
            var reply = Reply { json in
                json.member("status", isStale ? "unhealthy" : missing.isEmpty ? "healthy" : "degraded")
                json.member("database", "connected")
                json.member("signal_count", health.signalCount)
                json.member("open_signals", health.openSignals)
                json.member("timestamp", clock().rfc3339)
                json.dataTime(health.lastTick, isStale: isStale)
                json.member("data_age_seconds", age(of: health.lastTick))
                if isStale {
                    json.member("reason", staleReason(health.lastTick))
                } else if !missing.isEmpty {
                    json.member("reason", "Not in order: \(missing.joined(separator: ", ")).")
                }
                json.array("components") { json in
                    for component in health.components { json.object { $0.component(component) } }
                }
            }
            if isStale { reply.becomeUnavailable() }
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
            let isStale = isStale(lastTick)
            var reply = Reply(capacity: 256) { json in
                json.member("status", isStale ? "unready" : "ready")
                json.dataTime(lastTick, isStale: isStale)
                json.member("data_age_seconds", age(of: lastTick))
                if isStale { json.member("reason", staleReason(lastTick)) }
            }
            if isStale { reply.becomeUnavailable() }
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
            json.member("reason", error.description)
        }
        reply.becomeUnavailable()
        return reply
    }

    func staleReason(_ lastTick: Timestamp) -> String {
        lastTick.nanoseconds == 0
            ? "The collector has not written yet; see its log if this lasts."
            : "The newest data is \(Int(age(of: lastTick))) s old; start kernelsight-collector, or see its log."
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
    fileprivate mutating func component(_ component: Reader.Component) {
        member("component", component.state.component)
        member("status", component.state.status.rawValue)
        member("message", component.state.message)
        member("timestamp", component.time.rfc3339)
    }
}
