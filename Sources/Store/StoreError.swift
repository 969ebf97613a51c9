import GRDB

/// Why the database could not be used. The description says what to do.
public enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No file at this path: the collector has not started yet, or the path is wrong.
    case missing(path: String)
    /// Not SQLite, cut off, damaged, or another program's database.
    case unreadable(path: String, reason: String)
    /// The file may not be opened by this user, for a reason that says what helps.
    case denied(path: String, reason: String)
    /// Written by a version of KernelSight with another schema.
    case schema(path: String, found: Int, known: Int)
    /// Another writer holds the database.
    case writerRuns(path: String, pid: Int32)
    /// All read connections were in use for the whole time limit.
    case busy
    /// The statement was stopped at the time limit.
    case timedOut
    /// The question itself: a step of zero, more points than a reply may hold.
    case invalid(String)
    /// The writer has been closed.
    case closed
    /// Anything else that SQLite says: disk full, I/O error.
    case failed(code: Int32, message: String)

    public var description: String {
        switch self {
        case .missing(let path):
            "\(path): no such database; start kernelsight-collector, or correct database.path in config.yaml"
        case .unreadable(let path, let reason):
            "\(path): not a usable KernelSight database (\(reason)); move it away, the collector then starts a new one"
        case .denied(let path, let reason):
            "\(path): \(reason)"
        case .schema(let path, let found, let known) where found > known:
            "\(path): has schema version \(found), this program knows up to \(known); update KernelSight on this host"
        case .schema(let path, let found, let known):
            "\(path): has schema version \(found), this program needs \(known); start the new kernelsight-collector, it migrates"
        case .writerRuns(let path, let pid):
            "\(path): process \(pid) is writing it already; one database has one collector, stop that one first"
        case .busy: "all read connections are busy; try again, or raise advanced.database_connection_pool_size"
        case .timedOut: "the query ran into its time limit; ask for a shorter window"
        case .invalid(let reason): reason
        case .closed: "the store has been closed"
        case .failed(let code, let message):
            switch code & 0xFF {
            case 13: "no room (\(message)); make some on the database's file system, or keep less with retention"
            case 10: "the disk fails (SQLite error \(code): \(message)); see the kernel's log, and whether it is full"
            default: "SQLite error \(code): \(message)"
            }
        }
    }

    /// Translates what SQLite says about the database at `path`.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError:
            let message = error.message ?? "no message"
            switch error.resultCode {
            case .SQLITE_NOTADB, .SQLITE_CORRUPT: self = .unreadable(path: path, reason: message)
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
                let remedy = "make the file and its -wal and -shm readable for this user"
                self = .denied(path: path, reason: "cannot be opened (\(message)); \(remedy)")
            case .SQLITE_INTERRUPT: self = .timedOut
            case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy
            default: self = .failed(code: error.extendedResultCode.rawValue, message: message)
            }
        default: self = .failed(code: -1, message: "\(error)")
        }
    }
}
