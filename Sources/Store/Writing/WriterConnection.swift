import GRDB
import GRDBSQLite
import Glibc

/// The one connection that writes. `docs/storage.md` gives the reason for each setting.
enum WriterConnection {
    static func open(_ path: String, configuration: WriterConfiguration) throws -> DatabaseQueue {
        var settings = Configuration()
        settings.label = "kernelsight.writer"
        settings.foreignKeysEnabled = false
        // Nobody else writes; only a reader that recovers the WAL can be in the way, and a reset that readers hold up.
        settings.busyMode = .timeout(0.25)
        settings.prepareDatabase { db in
            for pragma in [
                "page_size = 4096", "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = FULL",
                "secure_delete = OFF", "journal_size_limit = \(configuration.walBytes / 2)", "wal_autocheckpoint = 0",
                "cache_size = -4096", "temp_store = MEMORY", "recursive_triggers = OFF",
            ] {
                _ = try Row.fetchOne(db, sql: "PRAGMA \(pragma)")
            }
            var on: CInt = 1
            sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &on)
        }
        do {
            let queue = try DatabaseQueue(path: path, configuration: settings)
            try queue.writeWithoutTransaction { try Schema.migrate($0, path: path) }
            return queue
        } catch {
            throw StoreError(error, path: path)
        }
    }
}

/// Keeps the WAL small without ever making a tick wait.
///
/// A checkpoint right after a commit never resets the WAL while readers overlap. Just before the next write, readers have
/// moved on to the latest commit, so a passive checkpoint copies everything and the write starts the WAL afresh.
struct Checkpointer {
    let path: String
    let limit: Int64
    /// 4 MB of 4 KB pages: less often costs fewer `fsync`s, more often a smaller WAL.
    private static let passiveBytes: Int64 = 4 << 20

    func beforeWrite(_ db: Database) throws {
        let size = walBytes
        guard size > Self.passiveBytes else { return }
        // A reset waits for readers for as long as the busy timeout says, then leaves it to the next time.
        _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(\(size > limit ? "TRUNCATE" : "PASSIVE"))")
    }

    var walBytes: Int64 { fileSize(path + "-wal") }
    var databaseBytes: Int64 { fileSize(path) }

    private func fileSize(_ path: String) -> Int64 {
        var info = stat()
        return stat(path, &info) == 0 ? Int64(info.st_size) : 0
    }
}
