import GRDB
import Model

/// What `agent.db` says, all of it at one commit.
public struct AgentLook {
    let db: Database

    /// What the agent was last heard to be at; `nil` before the first word.
    public func status() throws -> AgentStatus? {
        var status: AgentStatus?
        try db.cachedStatement(sql: "SELECT pid, mode, started, beat, phase, catalogue FROM agent_state").rows {
            status = AgentStatus(
                pid: Int32(truncatingIfNeeded: $0.int(0)), mode: $0.text(1),
                started: Timestamp(nanoseconds: $0.int(2)), beat: Timestamp(nanoseconds: $0.int(3)),
                phase: $0.isNull(4) ? nil : $0.text(4), catalogue: $0.text(5))
        }
        return status
    }

    /// The latest cycles with their phases, newest first; those that began up to `time` if one is given. What went into a phase and
    /// came out of it is kilobytes, and comes only when it is asked for.
    public func cycles(limit: Int, until time: Timestamp? = nil, withRecords: Bool = false) throws -> [AgentCycle] {
        var cycles: [AgentCycle] = []
        try db.cachedStatement(
            sql: """
                SELECT id, started, cause, finished, outcome FROM cycles WHERE started <= ?
                ORDER BY started DESC, id DESC LIMIT ?
                """
        ).rows {
            $0.add(time?.nanoseconds ?? .max)
            $0.add(limit)
        } _: {
            cycles.append(
                AgentCycle(
                    id: $0.int(0), started: Timestamp(nanoseconds: $0.int(1)), cause: $0.text(2),
                    finished: $0.isNull(3) ? nil : Timestamp(nanoseconds: $0.int(3)),
                    outcome: $0.isNull(4) ? nil : $0.text(4)))
        }
        let phases = try db.cachedStatement(
            sql: """
                SELECT phase, started, duration_ns, message\(withRecords ? ", input, result" : "") FROM phases
                    \(withRecords ? "JOIN phase_records USING (cycle, position)" : "")
                WHERE cycle = ? ORDER BY position
                """)
        for index in cycles.indices {
            try phases.rows {
                $0.add(cycles[index].id)
            } _: {
                cycles[index].phases.append(
                    AgentCycle.Phase(
                        name: $0.text(0), started: Timestamp(nanoseconds: $0.int(1)),
                        durationNanoseconds: $0.int(2), input: withRecords ? $0.text(4) : "",
                        result: withRecords ? $0.text(5) : "", message: $0.text(3)))
            }
        }
        return cycles
    }

    /// How many cycles are kept. Their ids have no gaps: they go from the oldest on.
    public func cycleCount() throws -> Int {
        var count = 0
        try db.cachedStatement(
            sql: "SELECT (SELECT max(id) FROM cycles) - (SELECT min(id) FROM cycles) + 1"
        ).rows { count = $0.isNull(0) ? 0 : Int($0.int(0)) }
        return count
    }

    /// Decisions in any of the states, made since a time, newest first.
    public func decisions(
        in states: [AgentDecision.State] = AgentDecision.State.allCases, since: Timestamp = Timestamp(nanoseconds: 0),
        limit: Int = 1000
    ) throws -> [AgentDecision] {
        try decisions("\(Self.among(states)) AND created >= ? ORDER BY id DESC LIMIT ?") {
            $0.add(since.nanoseconds)
            $0.add(limit)
        }
    }

    /// Decisions that were made from a time up to another, newest first.
    public func decisions(from start: Timestamp, to end: Timestamp, limit: Int) throws -> [AgentDecision] {
        try decisions("created >= ? AND created <= ? ORDER BY created DESC LIMIT ?") {
            $0.add(start.nanoseconds)
            $0.add(end.nanoseconds)
            $0.add(limit)
        }
    }

    /// Decisions about a signal, newest first.
    public func decisions(aboutSignal signal: Int64, limit: Int) throws -> [AgentDecision] {
        try decisions("signal_id = ? ORDER BY id DESC LIMIT ?") {
            $0.add(signal)
            $0.add(limit)
        }
    }

    /// Decisions in any of the states of which something became since a time, newest first.
    public func decisions(in states: [AgentDecision.State], updatedSince time: Timestamp) throws -> [AgentDecision] {
        try decisions("\(Self.among(states)) AND updated >= ? ORDER BY id DESC LIMIT 1000") {
            $0.add(time.nanoseconds)
        }
    }

    private static func among(_ states: [AgentDecision.State]) -> String {
        "state IN (\(states.map { "'\($0.rawValue)'" }.joined(separator: ", ")))"
    }

    public func decisions(ofCycles cycles: [Int64]) throws -> [AgentDecision] {
        try decisions("cycle IN (SELECT value FROM json_each(?)) ORDER BY id") { $0.add("\(cycles)") }
    }

    public func decision(_ id: Int64) throws -> AgentDecision? { try decisions("id = ?") { $0.add(id) }.first }

    private func decisions(_ condition: String, _ bind: (inout Binder) -> Void) throws -> [AgentDecision] {
        var found: [AgentDecision] = []
        try db.cachedStatement(
            sql: """
                SELECT id, cycle, signal_id, action, reason, confidence, state, created, expires, updated,
                    verdict, note
                FROM decisions WHERE \(condition)
                """
        ).rows(bind) {
            found.append(
                AgentDecision(
                    id: $0.int(0), cycle: $0.int(1), signal: $0.int(2), action: $0.text(3), reason: $0.text(4),
                    confidence: $0.double(5), state: AgentDecision.State(rawValue: $0.text(6)) ?? .stuck,
                    created: Timestamp(nanoseconds: $0.int(7)),
                    expires: $0.isNull(8) ? nil : Timestamp(nanoseconds: $0.int(8)),
                    updated: Timestamp(nanoseconds: $0.int(9)), verdict: $0.isNull(10) ? nil : $0.text(10),
                    note: $0.isNull(11) ? nil : $0.text(11)))
        }
        return found
    }

    /// The changes of decisions, in the order in which they were made: at most `limit`, of the newest decisions first.
    public func changes(of decisions: [Int64], limit: Int = .max) throws -> [AgentChange] {
        var found: [AgentChange] = []
        try db.cachedStatement(
            sql: """
                SELECT id, decision, setting, before, after, state FROM changes
                WHERE decision IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?
                """
        ).rows {
            $0.add("\(decisions)")
            $0.add(limit)
        } _: {
            found.append(
                AgentChange(
                    id: $0.int(0), decision: $0.int(1), setting: $0.text(2), before: $0.text(3), after: $0.text(4),
                    state: $0.text(5)))
        }
        return found.reversed()
    }

    /// The audit from a record on, oldest first.
    public func audit(after id: Int64 = 0, limit: Int = 1000) throws -> [AuditRecord] {
        try audit("id > ? ORDER BY id LIMIT ?", id, limit)
    }

    /// The audit before a record, newest first.
    public func audit(before id: Int64, limit: Int) throws -> [AuditRecord] {
        try audit("id < ? ORDER BY id DESC LIMIT ?", id, limit)
    }

    private func audit(_ condition: String, _ id: Int64, _ limit: Int) throws -> [AuditRecord] {
        var found: [AuditRecord] = []
        try db.cachedStatement(
            sql: "SELECT id, time, kind, body, previous, hash FROM audit WHERE \(condition)"
        ).rows {
            $0.add(id)
            $0.add(limit)
        } _: {
            found.append(
                AuditRecord(
                    id: $0.int(0), time: Timestamp(nanoseconds: $0.int(1)), kind: $0.text(2), body: $0.text(3),
                    previous: $0.text(4), hash: $0.text(5)))
        }
        return found
    }
}
