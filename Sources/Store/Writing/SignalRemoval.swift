import GRDB
import Model

/// Deletes old signals in steps, and what they leave behind: names that no other signal uses, and free pages.
struct SignalRemoval {
    /// Rows per step: some milliseconds.
    static let rowsPerStep = 500
    /// Pages per step that are given back.
    private static let pagesPerStep = 256
    /// Free pages that stay, for the next rows.
    private static let pagesKept = 256

    /// Where the search for unused names goes on; `nil` when there was nothing deleted that could have left any.
    private var sweepFrom: Int64? = 0

    /// Deletes closed signals that opened before `cutoff`; their rollups and citations go by trigger. Those that
    /// are open or unknown are still followed.
    mutating func delete(_ db: Database, before cutoff: Timestamp) throws -> Int {
        let delete = """
            DELETE FROM signals WHERE id IN (SELECT id FROM signals INDEXED BY idx_timestamp
                WHERE timestamp < ? AND state = 0 ORDER BY timestamp LIMIT \(Self.rowsPerStep))
            """
        let removed = try db.changes(delete) { $0.add(cutoff.nanoseconds) }
        if removed > 0 { sweepFrom = 0 }
        return removed
    }

    /// Does one step of clearing up; false when there is nothing to do. `forgetNames` is called when names went.
    mutating func tidy(_ db: Database, forgetNames: () -> Void = {}) throws -> Bool {
        if try sweepNames(db, forget: forgetNames) { return true }
        return try giveBackPages(db)
    }

    /// Removes names that no signal uses any more, a stretch of ids at a time.
    private mutating func sweepNames(_ db: Database, forget: () -> Void) throws -> Bool {
        guard let from = sweepFrom else { return false }
        let last = "SELECT max(id) FROM (SELECT id FROM entities WHERE id > ? ORDER BY id LIMIT \(Self.rowsPerStep))"
        guard let to = try Int64.fetchOne(db.cachedStatement(sql: last), arguments: [from]) else {
            sweepFrom = nil
            return try sweepDetails(db, forget: forget)
        }
        let delete = """
            DELETE FROM entities WHERE id > ? AND id <= ?
                AND NOT EXISTS (SELECT 1 FROM signals INDEXED BY idx_entity WHERE entity = entities.id)
            """
        let removed = try db.changes(delete) {
            $0.add(from)
            $0.add(to)
        }
        if removed > 0 { forget() }
        sweepFrom = to
        return true
    }

    /// Removes what details share and no signal names any more. There is little: one step for all of it.
    private func sweepDetails(_ db: Database, forget: () -> Void) throws -> Bool {
        var removed = 0
        // Also when the second statement fails.
        defer { if removed > 0 { forget() } }
        for table in ["inputs", "parties"] {
            let delete = """
                DELETE FROM \(table) WHERE last_signal < ifnull((SELECT min(id) FROM signals),
                    (SELECT last_signal_id FROM store_state)) - \(Interner.behind)
                """
            removed += try db.changes(delete) { _ in }
        }
        return removed > 0
    }

    /// False also when nothing came of it: a copy made by other means may not be able to give pages back.
    private func giveBackPages(_ db: Database) throws -> Bool {
        let free = try db.freePages()
        guard free > Self.pagesKept else { return false }
        try db.execute(sql: "PRAGMA incremental_vacuum(\(min(Self.pagesPerStep, free - Self.pagesKept)))")
        return try db.freePages() < free
    }
}

extension Database {
    /// Runs a statement and says how many rows it changed.
    func changes(_ sql: String, _ bind: (inout Binder) -> Void) throws -> Int {
        try cachedStatement(sql: sql).run(bind)
        return changesCount
    }

    /// Pages of the file that hold nothing.
    func freePages() throws -> Int { try Int.fetchOne(cachedStatement(sql: "PRAGMA freelist_count")) ?? 0 }
}
