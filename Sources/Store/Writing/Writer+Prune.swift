import GRDB
import Model

extension Writer {
    /// Removes closed signals that opened before `cutoff` from a database that no collector is writing; returns how many.
    ///
    /// Nothing else is touched: what the collector keeps how long is for its configuration to say, and migrating is its
    /// own work.
    public static func prune(_ path: String, olderThan cutoff: Timestamp) throws -> Int {
        let lock = try WriterLock(database: path)
        defer { lock.release() }
        let checkpointer = Checkpointer(path: path, limit: WriterConfiguration().walBytes)
        let queue = try WriterConnection.open(path, checkpointer: checkpointer)
        defer { WriterConnection.close(queue) }
        do {
            return try queue.writeWithoutTransaction { db in
                try Schema.signals.check(db, path: path)
                var removal = SignalRemoval()
                var removed = 0
                while true {
                    try checkpointer.beforeWrite(db)
                    let step = try removal.delete(db, before: cutoff)
                    if step == 0, try !removal.tidy(db) { return removed }
                    removed += step
                }
            }
        } catch {
            throw StoreError(error, path: path)
        }
    }
}
