import GRDB
import GRDBSQLite

/// The one connection that writes. `docs/storage.md` gives the reason for each setting.
enum WriterConnection {
    static func open(_ path: String, checkpointer: Checkpointer) throws -> DatabaseQueue {
        var settings = Configuration()
        settings.label = "kernelsight.writer"
        settings.foreignKeysEnabled = false
        // Nobody else writes; only a reader that recovers the WAL can be in the way, and a reset that readers hold up.
        settings.busyMode = .timeout(0.25)
        settings.prepareDatabase { db in
            for pragma in [
                "page_size = 4096", "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = FULL",
                "secure_delete = OFF", "journal_size_limit = \(checkpointer.limit / 2)", "wal_autocheckpoint = 0",
                "cache_size = -4096", "temp_store = MEMORY", "recursive_triggers = OFF",
            ] {
                _ = try Row.fetchOne(db, sql: "PRAGMA \(pragma)")
            }
            var on: CInt = 1
            sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &on)
            checkpointer.watch(db)
        }
        do {
            return try DatabaseQueue(path: path, configuration: settings)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Leaves an empty WAL behind.
    static func close(_ queue: DatabaseQueue) {
        try? queue.writeWithoutTransaction { _ = try Row.fetchOne($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        try? queue.close()
    }
}
