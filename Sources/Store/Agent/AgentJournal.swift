import GRDB
import GRDBSQLite
import Model

/// The one writer of `agent.db`. Each call is one commit that survives a power cut: what the agent is about to do is on disk
/// before it does it.
public final class AgentJournal {
    private let path: String
    private let lock: WriterLock
    private let queue: DatabaseQueue
    private let digest: (String) -> String

    /// Opens or makes the file. `digest` is the hash of the audit's chain. Throws `StoreError`; `writerRuns` where another
    /// agent has it.
    public init(path: String, digest: @escaping (String) -> String) throws {
        self.path = path
        self.digest = digest
        lock = try WriterLock(database: path)
        var settings = Configuration()
        settings.label = "kernelsight.agent"
        settings.busyMode = .timeout(0.25)
        settings.prepareDatabase { db in
            for pragma in [
                "journal_mode = WAL", "synchronous = FULL", "secure_delete = OFF", "journal_size_limit = 1048576",
                "cache_size = -512",
            ] {
                _ = try Row.fetchOne(db, sql: "PRAGMA \(pragma)")
            }
            var on: CInt = 1
            sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &on)
        }
        do {
            queue = try DatabaseQueue(path: path, configuration: settings)
            try queue.writeWithoutTransaction { try Schema.agent.migrate($0, path: path) }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    public func close() {
        WriterConnection.close(queue)
        lock.release()
    }

    private func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        do {
            return try queue.write(body)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    // MARK: - Cycles

    public func openCycle(at time: Timestamp, cause: String) throws -> Int64 {
        try write { db in
            try db.cachedStatement(sql: "INSERT INTO cycles (started, cause) VALUES (?, ?)").run {
                $0.add(time.nanoseconds)
                $0.add(cause)
            }
            return db.lastInsertedRowID
        }
    }

    /// Adds phases and, with an outcome, closes the cycle.
    public func add(
        _ phases: [AgentCycle.Phase], to cycle: Int64, from position: Int, outcome: String?, at time: Timestamp
    ) throws {
        try write { db in
            let insert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO phases VALUES (?, ?, ?, ?, ?, ?)")
            let keep = try db.cachedStatement(sql: "INSERT OR REPLACE INTO phase_records VALUES (?, ?, ?, ?)")
            for (offset, phase) in phases.enumerated() {
                try insert.run {
                    $0.add(cycle)
                    $0.add(position + offset)
                    $0.add(phase.name)
                    $0.add(phase.started.nanoseconds)
                    $0.add(phase.durationNanoseconds)
                    $0.add(phase.message)
                }
                try keep.run {
                    $0.add(cycle)
                    $0.add(position + offset)
                    $0.add(phase.input)
                    $0.add(phase.result)
                }
            }
            guard let outcome else { return }
            try db.cachedStatement(sql: "UPDATE cycles SET finished = ?, outcome = ? WHERE id = ?").run {
                $0.add(time.nanoseconds)
                $0.add(outcome)
                $0.add(cycle)
            }
        }
    }

    /// Removes cycles that started before a time, with their phases, a few at once. What was decided stays.
    public func prune(before time: Timestamp) throws {
        try write { db in
            try db.execute(
                sql: """
                    DELETE FROM phases WHERE cycle IN (SELECT id FROM cycles WHERE started < ?1 ORDER BY id LIMIT 100);
                    DELETE FROM phase_records
                        WHERE cycle IN (SELECT id FROM cycles WHERE started < ?1 ORDER BY id LIMIT 100);
                    DELETE FROM cycles WHERE id IN (SELECT id FROM cycles WHERE started < ?1 ORDER BY id LIMIT 100)
                    """, arguments: [time.nanoseconds, time.nanoseconds, time.nanoseconds])
        }
    }

    // MARK: - Decisions

    /// Writes a decision and its record in the audit; its id is given.
    public func add(_ decision: AgentDecision) throws -> Int64 {
        try write { db in
            try db.cachedStatement(
                sql: """
                    INSERT INTO decisions (cycle, signal_id, action, reason, confidence, state, created, expires, updated)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).run {
                $0.add(decision.cycle)
                $0.add(decision.signal)
                $0.add(decision.action)
                $0.add(decision.reason)
                $0.add(decision.confidence)
                $0.add(decision.state.rawValue)
                $0.add(decision.created.nanoseconds)
                $0.add(decision.expires?.nanoseconds)
                $0.add(decision.updated.nanoseconds)
            }
            let id = db.lastInsertedRowID
            try record(
                db, decision.state.rawValue, decision.created, decision: id,
                "action \(decision.action) for signal \(decision.signal): \(decision.reason)")
            return id
        }
    }

    /// Moves a decision on.
    public func set(
        _ id: Int64, _ state: AgentDecision.State, verdict: String? = nil, note: String? = nil, at time: Timestamp
    ) throws {
        try write { db in
            try db.cachedStatement(
                sql: """
                    UPDATE decisions SET state = ?, updated = ?, verdict = coalesce(?, verdict), note = coalesce(?, note)
                    WHERE id = ?
                    """
            ).run {
                $0.add(state.rawValue)
                $0.add(time.nanoseconds)
                $0.add(verdict)
                $0.add(note)
                $0.add(id)
            }
            try record(
                db, state.rawValue, time, decision: id, [verdict, note].compactMap(\.self).joined(separator: ": "))
        }
    }

    // MARK: - Changes

    /// Writes down what is about to be made; the ids are in the order given.
    public func intend(
        _ changes: [(setting: String, before: String, after: String)], decision: Int64, at time: Timestamp
    ) throws -> [Int64] {
        try write { db in
            let insert = try db.cachedStatement(
                sql: """
                    INSERT INTO changes (decision, setting, before, after, state, updated)
                    VALUES (?, ?, ?, ?, 'intended', ?)
                    """)
            return try changes.map { change in
                try insert.run {
                    $0.add(decision)
                    $0.add(change.setting)
                    $0.add(change.before)
                    $0.add(change.after)
                    $0.add(time.nanoseconds)
                }
                let id = db.lastInsertedRowID
                try record(
                    db, "intended", time, decision: decision, "\(change.setting): \(change.before) -> \(change.after)")
                return id
            }
        }
    }

    public func mark(_ ids: [Int64], _ state: String, at time: Timestamp) throws {
        try write { db in
            let update = try db.cachedStatement(sql: "UPDATE changes SET state = ?, updated = ? WHERE id = ?")
            for id in ids {
                try update.run {
                    $0.add(state)
                    $0.add(time.nanoseconds)
                    $0.add(id)
                }
                try record(db, state, time, decision: nil, "change \(id)")
            }
        }
    }

    // MARK: - State

    /// Says that the agent lives, and what it is at.
    public func beat(_ status: AgentStatus) throws {
        try write { db in
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO agent_state VALUES (1, ?, ?, ?, ?, ?, ?)").run {
                $0.add(status.pid)
                $0.add(status.mode)
                $0.add(status.started.nanoseconds)
                $0.add(status.beat.nanoseconds)
                $0.add(status.phase)
                $0.add(status.catalogue)
            }
        }
    }

    /// Appends to the audit, in the transaction of what it is about.
    private func record(_ db: Database, _ kind: String, _ time: Timestamp, decision: Int64?, _ text: String) throws {
        var previous = ""
        try db.cachedStatement(sql: "SELECT hash FROM audit ORDER BY id DESC LIMIT 1").rows { previous = $0.text(0) }
        let body = (decision.map { "decision \($0): " } ?? "") + text
        try db.cachedStatement(sql: "INSERT INTO audit (time, kind, body, previous, hash) VALUES (?, ?, ?, ?, ?)").run {
            $0.add(time.nanoseconds)
            $0.add(kind)
            $0.add(body)
            $0.add(previous)
            $0.add(digest(AuditRecord.hashed(previous: previous, time: time, kind: kind, body: body)))
        }
    }
}
