import GRDB
import Model

/// What keeps the file small: old rows go in small steps, each its own short transaction, and freed pages are given back
/// to the file system a few at a time.
struct Retention {
    /// Rows per step: some milliseconds.
    static let rowsPerStep = 500
    /// Pages per step that are given back.
    private static let pagesPerStep = 256
    /// Free pages that stay, for the next rows.
    private static let pagesKept = 256

    private let configuration: WriterConfiguration
    private let compaction: Compaction
    /// Where the search for unused names goes on; `nil` when there was nothing deleted that could have left any.
    private var sweepFrom: Int64? = 0

    init(_ configuration: WriterConfiguration) {
        self.configuration = configuration
        compaction = Compaction(configuration.tiers)
    }

    /// Does one step of the first thing that is due. Returns the rows removed, or `nil` when nothing is due.
    mutating func step(_ db: Database, forgetEntities: () -> Void) throws -> Int? {
        let now = try Int64.fetchOne(db.cachedStatement(sql: "SELECT last_tick FROM store_state")) ?? 0
        guard now > 0 else { return nil }
        let second = now / 1_000_000_000
        if try compaction.step(db, now: second) { return 0 }
        let cutoff = Timestamp(nanoseconds: now - Int64(configuration.signalDays) * 86_400_000_000_000)
        var removed = try deleteSignals(db, before: cutoff)
        if removed > 0 { return removed }
        removed = try deleteSeries(db, now: second)
        if removed > 0 { return removed }
        removed = try deleteSmall(db, now: now, cutoff: cutoff)
        if removed > 0 { return removed }
        removed = try deleteEvents(db)
        if removed > 0 { return removed }
        if try sweepEntities(db, forget: forgetEntities) { return 0 }
        return try giveBackPages(db) ? 0 : nil
    }

    /// Deletes closed signals that opened before `cutoff`; their rollups, details and citations go by trigger. Those that
    /// are open or unknown are still followed.
    mutating func deleteSignals(_ db: Database, before cutoff: Timestamp) throws -> Int {
        let delete = """
            DELETE FROM signals WHERE id IN (SELECT id FROM signals INDEXED BY idx_timestamp
                WHERE timestamp < ? AND state = 'closed' ORDER BY timestamp LIMIT \(Self.rowsPerStep))
            """
        let removed = try Self.changes(db, delete) { $0.add(cutoff.nanoseconds) }
        if removed > 0 { sweepFrom = 0 }
        return removed
    }

    private func deleteSeries(_ db: Database, now: Int64) throws -> Int {
        var removed = 0
        for (tier, value) in configuration.tiers.enumerated() {
            let slot = max(0, (now - value.retention) / value.width)
            let rows = "DELETE FROM series_rows WHERE tier_slot >= ? AND tier_slot < ?"
            removed += try Self.changes(db, rows) {
                $0.add(SeriesKey.key(tier: tier, slot: 0))
                $0.add(SeriesKey.key(tier: tier, slot: slot))
            }
            let chunks = """
                DELETE FROM series_chunks WHERE id IN (SELECT id FROM series_chunks INDEXED BY idx_chunk_age
                    WHERE tier = ? AND window < ? LIMIT \(Self.rowsPerStep))
                """
            removed += try Self.changes(db, chunks) {
                $0.add(tier)
                $0.add(slot / Int64(SeriesChunk.slots))
            }
        }
        return removed
    }

    private func deleteSmall(_ db: Database, now: Int64, cutoff: Timestamp) throws -> Int {
        var removed = try Self.changes(db, "DELETE FROM process_snapshots WHERE timestamp < ?") {
            $0.add(now - Int64(configuration.snapshotSeconds) * 1_000_000_000)
        }
        for span in RollupDelta.spans.dropFirst() {
            // Zero by now: their signals went first, but for one that has been open all this time.
            let rollups = """
                DELETE FROM rollups WHERE (span, start, signal_type) IN (SELECT span, start, signal_type FROM rollups
                    WHERE span = ? AND start < ? AND low + medium + high + critical = 0 LIMIT \(Self.rowsPerStep))
                """
            removed += try Self.changes(db, rollups) {
                $0.add(span)
                $0.add(RollupDelta.start(ofSpan: span, at: cutoff))
            }
        }
        return removed
    }

    /// Makes room for events: the oldest that no signal cites, of whichever table holds the oldest.
    private func deleteEvents(_ db: Database) throws -> Int {
        var total: Int64 = 0
        var oldest: (source: String, id: Int64, time: Int64)?
        for source in EventSource.allCases {
            let usage = """
                SELECT u.bytes, v.id, v.timestamp FROM event_usage u LEFT JOIN \(source.rawValue) v
                    ON v.id = (SELECT min(id) FROM \(source.rawValue) WHERE id > u.emptied_to)
                WHERE u.source = '\(source.rawValue)'
                """
            try db.cachedStatement(sql: usage).rows { row in
                total += row.int(0)
                guard !row.isNull(1) else { return }
                if oldest.map({ row.int(2) < $0.time }) ?? true { oldest = (source.rawValue, row.int(1), row.int(2)) }
            }
        }
        guard total > configuration.eventBytes, let oldest else { return 0 }
        let source = oldest.source
        var removed = 0
        try db.inTransaction(.immediate) {
            // The last id first: once the rows are gone, nothing says how far they went.
            let mark = """
                UPDATE event_usage SET emptied_to = min(?1, (SELECT max(id) FROM \(source))) WHERE source = '\(source)'
                """
            try db.cachedStatement(sql: mark).run { $0.add(oldest.id + Int64(Self.rowsPerStep) - 1) }
            let delete = """
                DELETE FROM \(source) WHERE id >= ?1 AND id < ?2 AND id NOT IN
                    (SELECT event_id FROM signal_events WHERE source = '\(source)' AND event_id >= ?1 AND event_id < ?2)
                """
            removed = try Self.changes(db, delete) {
                $0.add(oldest.id)
                $0.add(oldest.id + Int64(Self.rowsPerStep))
            }
            return .commit
        }
        return removed
    }

    /// Removes names that no signal uses any more, a stretch of ids at a time.
    private mutating func sweepEntities(_ db: Database, forget: () -> Void) throws -> Bool {
        guard let from = sweepFrom else { return false }
        let last = "SELECT max(id) FROM (SELECT id FROM entities WHERE id > ? ORDER BY id LIMIT \(Self.rowsPerStep))"
        guard let to = try Int64.fetchOne(db.cachedStatement(sql: last), arguments: [from]) else {
            sweepFrom = nil
            return false
        }
        let delete = """
            DELETE FROM entities WHERE id > ? AND id <= ?
                AND NOT EXISTS (SELECT 1 FROM signals INDEXED BY idx_entity WHERE entity = entities.id)
            """
        let removed = try Self.changes(db, delete) {
            $0.add(from)
            $0.add(to)
        }
        if removed > 0 { forget() }
        sweepFrom = to
        return true
    }

    private func giveBackPages(_ db: Database) throws -> Bool {
        let free = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA freelist_count")) ?? 0
        guard free > Self.pagesKept else { return false }
        try db.execute(sql: "PRAGMA incremental_vacuum(\(min(Self.pagesPerStep, free - Self.pagesKept)))")
        return true
    }

    private static func changes(_ db: Database, _ sql: String, _ bind: (inout Binder) -> Void) throws -> Int {
        try db.cachedStatement(sql: sql).run(bind)
        return db.changesCount
    }
}
