import FastCGI

/// Which endpoint serves a path.
enum Route {
    typealias Endpoint = @Sendable (Service, inout Parameters) throws -> Reply

    private static let fixed: [(path: String, endpoint: Endpoint)] = [
        ("/api/health", { try $0.health(&$1) }),
        ("/api/health/live", { try $0.live(&$1) }),
        ("/api/health/ready", { try $0.ready(&$1) }),
        ("/api/signals", { try $0.signals(&$1) }),
        ("/api/stats", { try $0.stats(&$1) }),
        ("/api/diagnostics", { try $0.diagnostics(&$1) }),
        ("/api/series", { try $0.series(&$1) }),
        ("/api/processes", { try $0.processes(&$1) }),
        ("/api/agent/status", { try $0.agentStatus(&$1) }),
        ("/api/agent/history", { try $0.agentHistory(&$1) }),
        ("/api/agent/decisions", { try $0.agentDecisions(&$1) }),
        ("/api/agent/audit", { try $0.agentAudit(&$1) }),
        ("/metrics", { try $0.metrics(&$1) }),
    ]
    /// What is asked for with a body.
    typealias Action = @Sendable (Service, Request) throws -> Reply

    private static let actions: [(path: String, action: Action)] = [("/api/predict", { try $0.predict($1) })]
    private static let decisionPrefix = "/api/agent/decisions/"
    private static let signalPrefix = "/api/signals/"

    static var paths: [String] { fixed.map(\.path) + [signalPrefix + "{id}"] }
    static var actionPaths: [String] {
        actions.map(\.path) + Answer.allCases.map { "\(decisionPrefix){id}/\($0.rawValue)" }
    }

    static func action(_ path: String) -> Action? {
        if let match = actions.first(where: { $0.path == path }) { return match.action }
        guard path.hasPrefix(decisionPrefix) else { return nil }
        let parts = path.dropFirst(decisionPrefix.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = Int64(parts[0]), id > 0, let answer = Answer(rawValue: String(parts[1])) else {
            return nil
        }
        return { try $0.answer(answer, decision: id, $1) }
    }

    /// What a path can be asked with; `nil` when there is no such path.
    static func methods(_ path: String) -> String? {
        if action(path) != nil { return "POST, OPTIONS" }
        return find(path) == nil ? nil : "GET, HEAD, OPTIONS"
    }

    static func find(_ path: String) -> Endpoint? {
        if let match = fixed.first(where: { $0.path == path }) { return match.endpoint }
        guard path.hasPrefix(signalPrefix) else { return nil }
        let id = String(path.dropFirst(signalPrefix.count))
        guard !id.isEmpty, !id.contains("/") else { return nil }
        return { try $0.signal(id: id, &$1) }
    }
}
