import Model

/// What there is to say about the agent as long as none has run on this host.
enum AgentState {
    static let message = "No agent has run on this host."
}

extension Service {
    /// `GET /api/agent/status`.
    func agentStatus(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        return Reply(capacity: 256) { json in
            json.member("status", "offline")
            json.member("current_phase", nil as String?)
            json.array("activity") { _ in }
            json.member("message", AgentState.message)
            json.dataTime(nil, isStale: false)
        }
    }

    /// `GET /api/agent/history`.
    func agentHistory(_ parameters: inout Parameters) throws -> Reply {
        _ = parameters.integer("limit", in: 1...100, default: 10)
        try parameters.finish()
        return Reply(capacity: 256) { json in
            json.array("iterations") { _ in }
            json.member("count", 0)
            json.member("message", AgentState.message)
            json.dataTime(nil, isStale: false)
        }
    }
}
