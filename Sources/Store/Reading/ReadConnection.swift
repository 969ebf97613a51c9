import GRDB
import GRDBSQLite
import Glibc

/// One read-only connection, used by one thread at a time.
final class ReadConnection: @unchecked Sendable {
    // @unchecked because the pool lends it to one thread at a time, and the queue serialises its statements.
    let file: FileIdentity
    private let queue: DatabaseQueue
    private let deadline = Deadline()
    private let times: StatementTimes?
    /// What signals share, as far as it has been read.
    var shared = SharedRows()

    init(path: String, file: FileIdentity, slow: SlowQueries?) throws {
        self.file = file
        times = slow.map(StatementTimes.init)
        _ = SQLiteLibrary.isPrepared
        var settings = Configuration()
        settings.label = "kernelsight.reader"
        settings.readonly = true
        settings.foreignKeysEnabled = false
        settings.busyMode = .timeout(0.25)
        settings.prepareDatabase { [deadline, times] db in
            _ = try Row.fetchOne(db, sql: "PRAGMA cache_size = -512")
            // The time limit: SQLite asks every thousand steps of its machine, some ten microseconds.
            sqlite3_progress_handler(
                db.sqliteConnection, 1000,
                { @Sendable context in
                    guard let context else { return 0 }
                    return Unmanaged<Deadline>.fromOpaque(context).takeUnretainedValue().hasPassed ? 1 : 0
                }, Unmanaged.passUnretained(deadline).toOpaque())
            times?.watch(db)
        }
        queue = try DatabaseQueue(path: path, configuration: settings)
    }

    /// Runs `body` in one read transaction, so that all it asks sees the same commit.
    func read<Result>(
        path: String, _ schema: Schema, until limit: Monotonic, _ body: (Database) throws -> Result
    ) throws -> Result {
        deadline.time = limit
        times?.begin()
        return try queue.unsafeRead { db in
            try db.cachedStatement(sql: "BEGIN").run()
            defer {
                deadline.time = nil
                let slow = times?.take(db) ?? []
                try? db.cachedStatement(sql: "ROLLBACK").run()
                // Whoever is told may be slow to listen; the snapshot is not held for that.
                times?.report(slow)
            }
            try schema.check(db, path: path)
            return try body(db)
        }
    }

    func close() { try? queue.close() }
}

/// When a statement has to end.
private final class Deadline: @unchecked Sendable {
    // @unchecked because only the thread that runs the connection's statement touches it.
    var time: Monotonic?

    var hasPassed: Bool { time.map { Monotonic.now > $0 } ?? false }
}

/// What tells a file from the one that had its name before.
struct FileIdentity: Equatable, Sendable {
    private var device: UInt64
    private var inode: UInt64

    /// `nil` when there is no such file.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
    }
}
