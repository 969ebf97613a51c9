import GRDB
import GRDBSQLite
import Glibc

/// Keeps the WAL small without ever making a tick wait.
///
/// A checkpoint right after a commit never resets the WAL while readers overlap. Just before the next write, readers have
/// moved on to the latest commit, so a passive checkpoint copies everything and the write starts the WAL afresh.
final class Checkpointer: @unchecked Sendable {
    // @unchecked because `frames` is only touched on the writer's thread: in the hook of its commits, and before them.
    private let path: String
    /// The WAL size in bytes above which a reset is insisted on.
    let limit: Int64
    /// Pages in the WAL since it was last started afresh; the file itself may be longer.
    private var frames: Int64 = 0
    /// 4 MB of 4 KB pages: less often costs fewer `fsync`s, more often a smaller WAL.
    private static let passiveFrames: Int64 = 1024

    init(path: String, limit: Int64) {
        self.path = path
        self.limit = limit
    }

    /// Has the connection say how long the WAL is after each commit. It must not outlive `self`.
    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { @Sendable context, _, _, frames in
                guard let context else { return SQLITE_OK }
                Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue().frames = Int64(frames)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func beforeWrite(_ db: Database) throws {
        guard frames > Self.passiveFrames else { return }
        // A reset waits for readers for as long as the busy timeout says, then leaves it to the next time.
        let mode = frames * 4096 > limit ? "TRUNCATE" : "PASSIVE"
        _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(\(mode))")
    }

    var walBytes: Int64 { fileSize(path + "-wal") }
    var databaseBytes: Int64 { fileSize(path) }

    private func fileSize(_ path: String) -> Int64 {
        var info = stat()
        return stat(path, &info) == 0 ? Int64(info.st_size) : 0
    }
}
