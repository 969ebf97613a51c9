import GRDB
import Model

/// Fills a new database with closed signals, for benchmarks and demonstrations: no journal while it lasts, and each index is
/// built at once when all rows are there, which is several times faster than row by row. A load that does not come to `finish`
/// leaves a file that is of no use.
public final class BulkLoad {
    private let path: String
    private let lock: WriterLock
    private let queue: DatabaseQueue
    private var table: SignalTable?
    /// What builds the indexes of `signals` again.
    private let indexes: [String]

    /// Makes the database. Throws `StoreError` where it cannot, and where there are signals already.
    public init(path: String) throws {
        self.path = path
        try Writer(path: path).close()
        lock = try WriterLock(database: path)
        do {
            var settings = Configuration()
            settings.label = "kernelsight.load"
            settings.foreignKeysEnabled = false
            queue = try DatabaseQueue(path: path, configuration: settings)
            (table, indexes) = try queue.writeWithoutTransaction { db in
                try Self.refuseSignals(db, path)
                // The cache is also what an index is sorted in.
                for pragma in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"] {
                    _ = try Row.fetchOne(db, sql: "PRAGMA \(pragma)")
                }
                let indexes = try Row.fetchAll(
                    db, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'signals'")
                for index in indexes { try db.execute(sql: "DROP INDEX \(index["name"] as String)") }
                return (try SignalTable(db), indexes.map { $0["sql"] })
            }
        } catch {
            lock.release()
            throw StoreError(error, path: path)
        }
    }

    private static func refuseSignals(_ db: Database, _ path: String) throws {
        guard try Int.fetchOne(db, sql: "SELECT 1 FROM signals LIMIT 1") == nil else {
            throw StoreError.denied(path: path, reason: "it has signals already; name a database that is not there")
        }
    }

    /// Adds signals, whose ids must be new and grow.
    public func write(_ episodes: [Episode]) throws {
        try queue.write { _ in try table?.write(episodes) }
    }

    /// Builds the indexes, and leaves the database as a writer would have.
    ///
    /// - Parameter time: When the last signal was written.
    public func finish(at time: Timestamp) throws {
        table = nil
        try queue.writeWithoutTransaction { db in
            for index in indexes { try db.execute(sql: index) }
            var batch = Batch()
            _ = batch.add(TickRecord(time: time), pendingRows: 0, pendingTicks: 0)
            try StateTables.write(batch, at: time, db)
        }
        try queue.close()
        lock.release()
        // Back to WAL.
        try Writer(path: path).close()
    }
}
