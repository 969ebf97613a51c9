import GRDBSQLite

/// SQLite's C interface and nothing else: the ceiling for whatever stands on it.
final class RawSQLite {
    private var connection: OpaquePointer?

    init(_ path: String, readOnly: Bool = false) throws {
        try check(
            sqlite3_open_v2(path, &connection, readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, nil))
    }

    deinit { sqlite3_close(connection) }

    func execute(_ sql: String) throws { try check(sqlite3_exec(connection, sql, nil, nil, nil)) }

    /// Rows as they are, to be written elsewhere.
    func rows(_ sql: String) throws -> [[Value]] {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        var rows: [[Value]] = []
        var result = sqlite3_step(statement)
        while result == SQLITE_ROW {
            rows.append(
                (0..<sqlite3_column_count(statement)).map { column in
                    switch sqlite3_column_type(statement, column) {
                    case SQLITE_INTEGER: .integer(sqlite3_column_int64(statement, column))
                    case SQLITE_NULL: .null
                    default: .text(String(cString: sqlite3_column_text(statement, column)))
                    }
                })
            result = sqlite3_step(statement)
        }
        guard result == SQLITE_DONE else { throw BenchmarkFailure("SQLite says \(result) to \(sql)") }
        return rows
    }

    /// Runs one prepared statement for each row.
    func insert(_ sql: String, _ rows: some Sequence<[Value]>) throws {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        for row in rows {
            for (index, value) in row.enumerated() {
                switch value {
                case .integer(let number): sqlite3_bind_int64(statement, Int32(index + 1), number)
                case .null: sqlite3_bind_null(statement, Int32(index + 1))
                case .text(var text):
                    // Copied by SQLite (SQLITE_TRANSIENT), as the string may move.
                    _ = text.withUTF8 {
                        sqlite3_bind_text(
                            statement, Int32(index + 1),
                            UnsafeRawPointer($0.baseAddress)?.assumingMemoryBound(to: CChar.self),
                            Int32($0.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
                    }
                }
            }
            guard sqlite3_step(statement) == SQLITE_DONE else { throw failure() }
            sqlite3_reset(statement)
        }
    }

    enum Value {
        case integer(Int64)
        case text(String)
        case null
    }

    private func prepare(_ sql: String) throws -> OpaquePointer? {
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v2(connection, sql, -1, &statement, nil))
        return statement
    }

    private func check(_ code: Int32) throws {
        if code != SQLITE_OK { throw failure() }
    }

    private func failure() -> BenchmarkFailure {
        BenchmarkFailure("SQLite: \(String(cString: sqlite3_errmsg(connection)))")
    }
}
