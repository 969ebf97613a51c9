import GRDB
import GRDBSQLite
import Glibc
import Model

/// One read-only connection, used by one thread at a time.
final class ReadConnection: @unchecked Sendable {
    // @unchecked because the pool lends it to one thread at a time, and the queue serialises its statements.
    let file: FileIdentity
    private let queue: DatabaseQueue
    private let deadline = Deadline()
    /// What signals share never changes once written, and its ids never come back meaning another: decoded once.
    private var templates = Interned<Message.Template>()
    private var labels = Interned<Label>()
    private var entities = Interned<Entity>()

    init(path: String, file: FileIdentity) throws {
        self.file = file
        var settings = Configuration()
        settings.label = "kernelsight.reader"
        settings.readonly = true
        settings.foreignKeysEnabled = false
        settings.busyMode = .timeout(0.25)
        settings.prepareDatabase { [deadline] db in
            _ = try Row.fetchOne(db, sql: "PRAGMA cache_size = -512")
            // The time limit: SQLite asks every thousand steps of its machine, some ten microseconds.
            sqlite3_progress_handler(
                db.sqliteConnection, 1000,
                { @Sendable context in
                    guard let context else { return 0 }
                    return Unmanaged<Deadline>.fromOpaque(context).takeUnretainedValue().hasPassed ? 1 : 0
                }, Unmanaged.passUnretained(deadline).toOpaque())
        }
        queue = try DatabaseQueue(path: path, configuration: settings)
    }

    /// Runs `body` in one read transaction, so that all it asks sees the same commit.
    func read<Result>(
        path: String, _ schema: Schema, until limit: Monotonic, _ body: (Database) throws -> Result
    ) throws -> Result {
        deadline.time = limit
        return try queue.unsafeRead { db in
            try db.cachedStatement(sql: "BEGIN").run()
            defer {
                deadline.time = nil
                try? db.cachedStatement(sql: "ROLLBACK").run()
            }
            try schema.check(db, path: path)
            return try body(db)
        }
    }

    func template(_ id: Int64, _ db: Database) throws -> Message.Template {
        try templates.value(id, "SELECT summary, patterns, hints FROM templates WHERE id = ?", db) {
            Message.Template(
                summary: $0.text(0), patterns: StringArray.parse($0.bytes(1)), hints: StringArray.parse($0.bytes(2)))
        } ?? Message.Template(summary: "")
    }

    func label(_ id: Int64, _ db: Database) throws -> Label {
        try labels.value(id, "SELECT semantic_label, signal_category FROM labels WHERE id = ?", db) {
            Label(text: $0.text(0), category: SignalCategory(rawValue: $0.text(1)) ?? .symptom)
        } ?? Label(text: "", category: .symptom)
    }

    /// A process's id is empty here: signals have it themselves.
    func entity(_ id: Int64, _ db: Database) throws -> Entity {
        try entities.value(id, "SELECT kind, key, name FROM entities WHERE id = ?", db) {
            Entity(kind: Entity.Kind(rawValue: $0.text(0)) ?? .system, id: $0.text(1), name: $0.text(2))
        } ?? Entity(kind: .system, id: "", name: "")
    }

    func close() { try? queue.close() }
}

/// A label as signals share it.
struct Label: Sendable {
    var text: String
    var category: SignalCategory
}

/// Rows that have been read before, by id.
private struct Interned<Value> {
    private var values: [Int64: Value] = [:]

    mutating func value(_ id: Int64, _ sql: String, _ db: Database, _ decode: (Columns) -> Value) throws -> Value? {
        if let value = values[id] { return value }
        var value: Value?
        try db.cachedStatement(sql: sql).rows({ $0.add(id) }, { value = decode($0) })
        if values.count >= 1024 { values.removeAll() }
        values[id] = value
        return value
    }
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
