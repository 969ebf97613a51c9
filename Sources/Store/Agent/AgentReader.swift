import GRDB
import Model

/// Answers from `agent.db`, read-only, from any thread. All methods throw `StoreError`; `missing` where no agent has run.
public final class AgentReader: Sendable {
    private let source: ReadSource

    public init(path: String, connections: Int = 1, slow: SlowQueries? = nil) {
        source = ReadSource(
            path: path, schema: .agent, connections: connections, timeLimit: .seconds(1), slow: slow)
    }

    /// The agent's database, unless it is told another: beside the collector's.
    public static func path(besides database: String) -> String { "\(DataDirectory.of(database))/agent.db" }

    /// Asks several things in one transaction, so that all answers are of the same commit.
    public func look<Result>(_ body: (AgentLook) throws -> Result) throws -> Result {
        try source.read { _, db in try body(AgentLook(db: db)) }
    }

    // Who asks one thing asks here; `AgentLook` says what each means.

    public func status() throws -> AgentStatus? { try look { try $0.status() } }

    public func cycles(
        limit: Int, until time: Timestamp? = nil, withRecords: Bool = false
    ) throws -> [AgentCycle] { try look { try $0.cycles(limit: limit, until: time, withRecords: withRecords) } }

    public func decisions(
        in states: [AgentDecision.State] = AgentDecision.State.allCases, since: Timestamp = Timestamp(nanoseconds: 0)
    ) throws -> [AgentDecision] { try look { try $0.decisions(in: states, since: since) } }

    public func decisions(in states: [AgentDecision.State], updatedSince time: Timestamp) throws -> [AgentDecision] {
        try look { try $0.decisions(in: states, updatedSince: time) }
    }

    public func decision(_ id: Int64) throws -> AgentDecision? { try look { try $0.decision(id) } }

    public func changes(of decisions: [Int64]) throws -> [AgentChange] { try look { try $0.changes(of: decisions) } }

    public func audit(after id: Int64 = 0) throws -> [AuditRecord] { try look { try $0.audit(after: id) } }
}
