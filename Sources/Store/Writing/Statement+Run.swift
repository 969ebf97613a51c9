import GRDB
import GRDBSQLite

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

    mutating func add(_ value: String) {
        position += 1
        var value = value
        value.withUTF8 {
            _ = $0.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, position, $0.baseAddress, Int32($0.count), transient)
            }
        }
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

extension Statement {
    /// Binds, runs to the end, and is ready for the next run.
    func run(_ bind: (inout Binder) -> Void) throws {
        var binder = Binder(statement: sqliteStatement)
        bind(&binder)
        let code = sqlite3_step(sqliteStatement)
        sqlite3_reset(sqliteStatement)
        guard code == SQLITE_DONE || code == SQLITE_ROW else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: String(cString: sqlite3_errmsg(sqlite3_db_handle(sqliteStatement))), sql: sql)
        }
    }
}
