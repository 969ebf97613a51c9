import GRDB
import GRDBSQLite
import Model

/// SQLite copies the bytes before the call returns.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// Binds one parameter after the other, straight to SQLite: a batch binds millions of values, and an argument list of
/// existentials costs more than the insert.
struct Binder {
    fileprivate let statement: OpaquePointer
    fileprivate var position: Int32 = 0

    mutating func add(_ value: Int64) {
        position += 1
        sqlite3_bind_int64(statement, position, value)
    }

    mutating func add(_ value: some FixedWidthInteger) { add(Int64(truncatingIfNeeded: value)) }

    mutating func add(_ value: Int64?) {
        if let value { add(value) } else { addNull() }
    }

    mutating func add(_ value: Double) {
        position += 1
        sqlite3_bind_double(statement, position, value)
    }

    mutating func add(_ value: Double?) {
        if let value { add(value) } else { addNull() }
    }

    mutating func add(_ value: String) {
        position += 1
        var value = value
        value.withUTF8 {
            _ = $0.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, position, $0.baseAddress, Int32($0.count), transient)
            }
        }
    }

    mutating func add(_ json: JSONWriter) {
        position += 1
        json.withBytes { _ = sqlite3_bind_text(statement, position, $0.baseAddress, Int32($0.count), transient) }
    }

    mutating func add(_ value: String?) {
        if let value { add(value) } else { addNull() }
    }

    mutating func add(blob value: [UInt8]) {
        position += 1
        value.withUnsafeBytes { _ = sqlite3_bind_blob(statement, position, $0.baseAddress, Int32($0.count), transient) }
    }

    private mutating func addNull() {
        position += 1
        sqlite3_bind_null(statement, position)
    }
}

/// The columns of the row that a statement stands on, from 0; valid until the next step.
struct Columns {
    fileprivate let statement: OpaquePointer

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    func double(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    /// The bytes of a text or blob.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
    }
}

extension Statement {
    /// Binds, runs to the end, and is ready for the next run.
    func run(_ bind: (inout Binder) -> Void = { _ in }) throws { try rows(bind) { _ in } }

    /// Binds, gives each row to `body`, and is ready for the next run.
    func rows(_ bind: (inout Binder) -> Void = { _ in }, _ body: (Columns) throws -> Void) throws {
        var binder = Binder(statement: sqliteStatement)
        bind(&binder)
        defer { sqlite3_reset(sqliteStatement) }
        while true {
            switch sqlite3_step(sqliteStatement) {
            case SQLITE_ROW: try body(Columns(statement: sqliteStatement))
            case SQLITE_DONE: return
            case let code:
                throw DatabaseError(
                    resultCode: ResultCode(rawValue: code),
                    message: String(cString: sqlite3_errmsg(sqlite3_db_handle(sqliteStatement))), sql: sql)
            }
        }
    }
}
