import GRDB
import GRDBSQLite

/// A statement that took long.
public struct SlowQuery: Sendable {
    /// As it is prepared, without its values.
    public var sql: String
    public var milliseconds: Double
    /// How SQLite goes about it, a step each.
    public var plan: [String]

    public init(sql: String, milliseconds: Double, plan: [String]) {
        self.sql = sql
        self.milliseconds = milliseconds
        self.plan = plan
    }
}

/// Who is told of statements that take long.
public struct SlowQueries: Sendable {
    /// From how many milliseconds on. Asked each time, for it may change.
    let limit: @Sendable () -> Double
    let report: @Sendable (SlowQuery) -> Void

    public init(from limit: @escaping @Sendable () -> Double, report: @escaping @Sendable (SlowQuery) -> Void) {
        self.limit = limit
        self.report = report
    }
}

/// What one connection's statements take.
final class StatementTimes: @unchecked Sendable {
    // @unchecked because only the thread that runs the connection's statement touches it.
    private let queries: SlowQueries
    private var limit = 0.0
    /// Statements that have begun and not ended: one may run while another stands on a row.
    private var running: [(statement: OpaquePointer, since: Monotonic)] = []
    private var slow: [(sql: String, milliseconds: Double)] = []

    init(_ queries: SlowQueries) { self.queries = queries }

    /// Has SQLite call when a statement begins and when it ends. Its own figure for the time between is of the wall clock.
    func watch(_ db: Database) {
        sqlite3_trace_v2(
            db.sqliteConnection, UInt32(SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE),
            { event, context, statement, _ in
                guard let context, let statement else { return 0 }
                let times = Unmanaged<StatementTimes>.fromOpaque(context).takeUnretainedValue()
                let isBegin = event == UInt32(SQLITE_TRACE_STMT)
                if isBegin { times.began(OpaquePointer(statement)) } else { times.ended(OpaquePointer(statement)) }
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func began(_ statement: OpaquePointer) { running.append((statement, .now)) }

    private func ended(_ statement: OpaquePointer) {
        guard let index = running.lastIndex(where: { $0.statement == statement }) else { return }
        let milliseconds = Monotonic.now.seconds(since: running.remove(at: index).since) * 1000
        if milliseconds >= limit, let sql = sqlite3_sql(statement) { slow.append((String(cString: sql), milliseconds)) }
    }

    func begin() {
        limit = queries.limit()
        running.removeAll(keepingCapacity: true)
        slow = []
    }

    /// What took long since `begin`; asks for its plans on the connection on which it did.
    func take(_ db: Database) -> [SlowQuery] {
        defer { slow = [] }
        return slow.map { sql, milliseconds in
            var plan: [String] = []
            try? db.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql).rows { plan.append($0.text(3)) }
            return SlowQuery(sql: sql, milliseconds: milliseconds, plan: plan)
        }
    }

    func report(_ queries: [SlowQuery]) { for query in queries { self.queries.report(query) } }
}
