import GRDB
import GRDBSQLite
import Model

/// What happens on the writer's thread: one transaction per batch, and upkeep in between.
final class WriterSession {
    /// Everything that is remembered between transactions. A value, so that a transaction that fails leaves the old one.
    private struct Memory {
        var signals: SignalTable
        var events: EventTables
        var series: SeriesRecorder
        var histogramTotals: HistogramTotals
        var counterTotals: CounterTotals
        /// How many more events each open episode may cite.
        var citationsLeft: [Int64: Int] = [:]
    }

    let path: String
    private let lock: WriterLock
    /// For nobody else but to look at.
    let queue: DatabaseQueue
    /// `nil` once closed: SQLite does not close a connection that still has statements.
    private var memory: Memory?
    private var retention: Retention
    /// As readers are told of them.
    private var tiers: [SeriesTier]
    let checkpointer: Checkpointer

    init(path: String, configuration: WriterConfiguration) throws {
        self.path = path
        lock = try WriterLock(database: path)
        checkpointer = Checkpointer(path: path, limit: configuration.walBytes)
        queue = try WriterConnection.open(path, checkpointer: checkpointer)
        retention = Retention(configuration)
        tiers = configuration.tiers
        do {
            memory = try queue.writeWithoutTransaction { db in
                try Schema.signals.migrate(db, path: path)
                try SeriesTier.write(configuration.tiers, db)
                return Memory(
                    signals: try SignalTable(db), events: try EventTables(db),
                    series: try SeriesRecorder(db, tiers: configuration.tiers),
                    histogramTotals: try HistogramTotals(db), counterTotals: try CounterTotals(db))
            }
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Writes a batch, or nothing of it.
    func commit(_ batch: Batch, at now: Timestamp) throws {
        try queue.writeWithoutTransaction { db in
            guard var memory else { throw StoreError.closed }
            try checkpointer.beforeWrite(db)
            try db.inTransaction(.immediate) {
                try memory.signals.write(batch.episodes)
                let citations = Citations(
                    episodes: batch.episodes, events: batch.events, room: &memory.citationsLeft)
                try memory.events.write(batch.events, citations: citations)
                for tick in batch.ticks { try memory.series.write(tick) }
                try memory.histogramTotals.write(batch.ticks)
                try memory.counterTotals.write(batch.ticks, memory.series)
                try StateTables.write(batch, at: now, db)
                return .commit
            }
            for episode in batch.episodes where episode.state == .closed { memory.citationsLeft[episode.id] = nil }
            self.memory = memory
        }
    }

    /// One small step of what keeps the file small; returns rows removed, or `nil` when there was nothing to do.
    func maintain(_ configuration: WriterConfiguration) throws -> Int? {
        try queue.writeWithoutTransaction { db in
            try checkpointer.beforeWrite(db)
            if configuration.tiers != tiers {
                try SeriesTier.write(configuration.tiers, db)
                tiers = configuration.tiers
            }
            return try retention.step(db, configuration) { memory?.signals.forgetNames() }
        }
    }

    /// Removes up to one step's worth of signals that opened before `cutoff`.
    func prune(before cutoff: Timestamp) throws -> Int {
        try queue.writeWithoutTransaction { db in
            try checkpointer.beforeWrite(db)
            return try retention.deleteSignals(db, before: cutoff)
        }
    }

    /// What upkeep has left behind, as the status shows it.
    func contents() throws -> (freePages: Int, oldestSignal: Timestamp?, heldSeconds: Double?) {
        try queue.writeWithoutTransaction { db in
            let oldest = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT timestamp FROM signals ORDER BY timestamp LIMIT 1"))
            return (try db.freePages(), oldest.map(Timestamp.init(nanoseconds:)), retention.heldSeconds)
        }
    }

    /// Samples that had no name left in `metrics`.
    var unrecordedSamples: UInt64 { memory?.series.unrecorded ?? 0 }

    func openEpisodes() throws -> [Episode] { try queue.read(EpisodeRows.open) }

    func baselines() throws -> [String: String] {
        let rows = try queue.read { try Row.fetchAll($0, sql: "SELECT metric, data FROM baselines") }
        return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { $1 })
    }

    func nextEpisodeID() throws -> Int64 {
        try queue.read { db in
            let sql = "SELECT 1 + max(last_signal_id, ifnull((SELECT max(id) FROM signals), 0)) FROM store_state"
            return try Int64.fetchOne(db, sql: sql) ?? 1
        }
    }

    /// Lets go of the lock last.
    func close() {
        memory = nil
        WriterConnection.close(queue)
        lock.release()
    }
}
