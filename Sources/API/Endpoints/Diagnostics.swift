import FastCGI
import Model
import Store

extension Service {
    /// `GET /api/diagnostics`: each part, how it does, and what to do. Answers with 200 also where the database is what
    /// is broken: saying so is its purpose.
    func diagnostics(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        var checks: [Check] = []
        var lastTick = Timestamp(nanoseconds: 0)
        do {
            let health = try currentHealth()
            lastTick = health.lastTick
            checks.append(
                Check("database", .ok, ["connected", "\(health.signalCount) signals, \(health.openSignals) open"]))
            let freshness = freshness(of: lastTick)
            checks.append(
                freshness.reason.map { Check("collector", .error, [$0]) }
                    ?? Check("collector", .ok, ["last measurement \(lastTick.rfc3339)"]))
            checks += health.components.map { component in
                let state = component.state.shown(with: freshness)
                return Check(state.component, state.status, [state.message], data: state.detail)
            }
        } catch let error as StoreError {
            checks.append(Check("database", .error, [error.description]))
        }
        if let server { checks.append(worker(server.statistics)) }
        checks.append(Check("agent", .ok, [AgentState.reason]))
        let worst = checks.map(\.status).max { $0.gravity < $1.gravity } ?? .ok
        var reply = Reply(capacity: 8192) { json in
            json.member("overall_status", worst == .ok ? "healthy" : worst.rawValue)
            json.member("timestamp", clock().rfc3339)
            json.dataTime(lastTick, isStale: freshness(of: lastTick).isStale)
            json.array("checks") { json in for check in checks { json.object { check.write(&$0) } } }
        }
        reply.caching = .never
        return reply
    }

    private func worker(_ statistics: Server.Statistics) -> Check {
        Check(
            "api_worker", .ok,
            [
                "\(statistics.requests) requests on \(statistics.connections) connections",
                "\(statistics.busy) in progress, at most \(statistics.maximumBusy) at once",
            ])
    }
}

/// One row of `checks`.
private struct Check {
    var component: String
    var status: ComponentState.Status
    var details: [String]
    /// A JSON object.
    var data: String?

    init(_ component: String, _ status: ComponentState.Status, _ details: [String], data: String? = nil) {
        self.component = component
        self.status = status
        self.details = details
        self.data = data
    }

    func write(_ json: inout JSONWriter) {
        json.member("component", component)
        json.member("status", status.rawValue)
        json.array("details") { for detail in details { $0.element(detail) } }
        if let data { json.member("data", json: data) }
    }
}

extension ComponentState.Status {
    fileprivate var gravity: Int {
        switch self {
        case .ok: 0
        case .warning: 1
        case .error: 2
        }
    }
}
