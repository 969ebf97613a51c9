import CLinux
import GRDB
import Model

/// What keeps the file small: old rows go in small steps, each its own short transaction, and freed pages are given back
/// to the file system a few at a time.
struct Retention {
    private let compaction: Compaction
    private var signals = SignalRemoval()
    private var clock: ClockTrust
    /// For how many more seconds nothing is deleted for its age: `ClockTrust`.
    private(set) var heldSeconds: Double?

    init(_ configuration: WriterConfiguration) {
        compaction = Compaction(configuration.tiers)
        clock = ClockTrust(hold: configuration.clockHold)
    }

    /// Does one step of the first thing that is due. Returns the rows removed, or `nil` when nothing is due.
    mutating func step(
        _ db: Database, _ configuration: WriterConfiguration, forgetNames: () -> Void
    ) throws -> Int? {
        let tick = try Int64.fetchOne(db.cachedStatement(sql: "SELECT last_tick FROM store_state")) ?? 0
        guard tick > 0 else { return nil }
        let now = Timestamp(nanoseconds: tick)
        heldSeconds = clock.look(at: now, .now)
        if try compaction.step(db, now: now.seconds) {
            // The window's numbers took some 4 MiB, which would stand idle for minutes.
            clinux_release_idle_memory()
            return 0
        }
        var removed = heldSeconds == nil ? try deleteOld(db, configuration, now: now) : 0
        if removed > 0 { return removed }
        removed = try deleteEvents(db, cap: configuration.eventBytes)
        if removed > 0 { return removed }
        return try signals.tidy(db, forgetNames: forgetNames) ? 0 : nil
    }

    /// One step of what goes by its age.
    private mutating func deleteOld(_ db: Database, _ configuration: WriterConfiguration, now: Timestamp) throws -> Int
    {
        let cutoff = Timestamp(nanoseconds: now.nanoseconds - Int64(configuration.signalDays) * 86_400_000_000_000)
        var removed = try signals.delete(db, before: cutoff)
        if removed > 0 { return removed }
        removed = try deleteSeries(db, configuration.tiers, now: now.seconds)
        if removed > 0 { return removed }
        let snapshots = Timestamp(nanoseconds: now.nanoseconds - Int64(configuration.snapshotSeconds) * 1_000_000_000)
        return try deleteSmall(db, snapshots: snapshots, rollups: cutoff)
    }

    /// Deletes one step's worth of closed signals that opened before `cutoff`.
    mutating func deleteSignals(_ db: Database, before cutoff: Timestamp) throws -> Int {
        try signals.delete(db, before: cutoff)
    }

    private func deleteSeries(_ db: Database, _ tiers: [SeriesTier], now: Int64) throws -> Int {
        var removed = 0
        for (tier, value) in tiers.enumerated() {
            let slot = max(0, (now - value.retention) / value.width)
            let rows = "DELETE FROM series_rows WHERE tier_slot >= ? AND tier_slot < ?"
            removed += try db.changes(rows) {
                $0.add(SeriesKey.key(tier: tier, slot: 0))
                $0.add(SeriesKey.key(tier: tier, slot: slot))
            }
            let chunks = """
                DELETE FROM series_chunks WHERE id IN (SELECT id FROM series_chunks INDEXED BY idx_chunk_age
                    WHERE tier = ? AND window < ? LIMIT \(SignalRemoval.rowsPerStep))
                """
            removed += try db.changes(chunks) {
                $0.add(tier)
                $0.add(slot / Int64(SeriesChunk.slots))
            }
        }
        return removed
    }

    /// Zero by now: their signals went first, but for one that has been open all this time. All types there are, by name: the
    /// key has the type before the start, and without it every minute would be looked at.
    static let emptyRollups = """
        DELETE FROM rollups WHERE (span, type, start) IN (SELECT span, type, start FROM rollups
            WHERE span = ? AND type IN (\((0...SignalType.allCases.count).map(String.init).joined(separator: ", ")))
                AND start < ? AND low + medium + high + critical = 0 LIMIT \(SignalRemoval.rowsPerStep))
        """

    private func deleteSmall(_ db: Database, snapshots: Timestamp, rollups cutoff: Timestamp) throws -> Int {
        var removed = try db.changes("DELETE FROM process_snapshots WHERE timestamp < ?") {
            $0.add(snapshots.nanoseconds)
        }
        for span in RollupSpans.parts {
            removed += try db.changes(Self.emptyRollups) {
                $0.add(span)
                $0.add(RollupSpans.start(of: span, at: cutoff))
            }
        }
        return removed
    }

    /// Makes room for events: the oldest that no signal cites, of whichever table holds the oldest.
    private func deleteEvents(_ db: Database, cap: Int64) throws -> Int {
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
        guard total > cap, let oldest else { return 0 }
        let source = oldest.source
        var removed = 0
        try db.inTransaction(.immediate) {
            // The last id first: once the rows are gone, nothing says how far they went.
            let mark = """
                UPDATE event_usage SET emptied_to = min(?1, (SELECT max(id) FROM \(source))) WHERE source = '\(source)'
                """
            try db.cachedStatement(sql: mark).run { $0.add(oldest.id + Int64(SignalRemoval.rowsPerStep) - 1) }
            let delete = """
                DELETE FROM \(source) WHERE id >= ?1 AND id < ?2 AND id NOT IN
                    (SELECT event_id FROM signal_events WHERE source = '\(source)' AND event_id >= ?1 AND event_id < ?2)
                """
            removed = try db.changes(delete) {
                $0.add(oldest.id)
                $0.add(oldest.id + Int64(SignalRemoval.rowsPerStep))
            }
            return .commit
        }
        return removed
    }
}
