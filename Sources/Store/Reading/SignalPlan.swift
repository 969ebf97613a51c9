import GRDB
import Model

/// How a query for signals is answered without ever looking at more than it returns, as far as an index allows.
///
/// All indexes on `signals` end with the id, and ids grow with time. So each condition that has an index is a stream of
/// ids, newest first: one per type, per severity, per entity. The most selective condition supplies the streams, they are
/// merged, and what other conditions there are is checked on the way. A lower bound in time becomes a lower bound of ids.
/// A stream brings whole rows, so that one statement is all that most pages need.
struct SignalPlan {
    private enum Stream {
        case everything
        case type(SignalType)
        case severity(Severity)
        case entity(Int64)
        case process(ProcessIdentity)
        case open
        case unknown
    }

    private let query: SignalQuery
    private var streams: [Stream] = []
    /// The first id that may match; beyond all ids when there is none.
    private var from: Int64 = 0
    /// The first id that may not match any more.
    private var to = Int64.max

    init(_ query: SignalQuery, _ db: Database) throws {
        self.query = query
        if let since = query.since { from = try Self.firstID(since: since, db) }
        if let until = query.until { to = try Self.firstID(after: until, db) }
        if let entity = query.entity {
            streams = try Self.streams(entity: entity, db)
        } else if query.state == .open {
            streams = [.open]
        } else if query.state == .unknown {
            streams = [.unknown]
        } else if query.minimumSeverity > .low, try query.types.isEmpty || isSeverityRarer(db) {
            streams = severities.map(Stream.severity)
        } else if !query.types.isEmpty {
            streams = query.types.map(Stream.type)
        } else {
            streams = [.everything]
        }
    }

    /// The first id of that time or later; beyond all ids when there is none.
    static func firstID(since time: Timestamp, _ db: Database) throws -> Int64 {
        var id = Int64.max
        let first = "SELECT id FROM signals WHERE timestamp >= ? ORDER BY timestamp LIMIT 1"
        try db.cachedStatement(sql: first).rows({ $0.add(time.nanoseconds) }, { id = $0.int(0) })
        return id
    }

    /// The first id after all signals that opened before a time. Where the clock has been set back, some of those below it opened
    /// later.
    private static func firstID(after time: Timestamp, _ db: Database) throws -> Int64 {
        var id: Int64 = 0
        let last = "SELECT id FROM signals WHERE timestamp < ? ORDER BY timestamp DESC LIMIT 1"
        try db.cachedStatement(sql: last).rows({ $0.add(time.nanoseconds) }, { id = $0.int(0) + 1 })
        return max(id, try firstID(since: time, db))
    }

    /// Whether fewer signals are as severe as asked than are of the types: the fewer there are, the fewer are passed over.
    private func isSeverityRarer(_ db: Database) throws -> Bool {
        let counts = try Reader.counts(RollupWindow.everything, db)
        return severities.reduce(0) { $0 + counts[$1].count } < query.types.reduce(0) { $0 + counts[$1].count }
    }

    /// The newest signals, at most `limit`.
    func signals(_ connection: ReadConnection, _ db: Database, limit: Int) throws -> [StoredSignal] {
        let types: Int64? = query.types.isEmpty ? nil : query.types.reduce(0) { $0 | 1 << Int64($1.code) }
        var parts = streams.map { (stream: $0, from: from, since: query.since, state: query.state) }
        if query.orOpen, query.since != nil, query.state == nil {
            // What is open is looked at besides, however long it has been: there is never much of it.
            let open = query.entity == nil ? [.open] : streams
            parts += open.map { ($0, 0, nil, .open) }
        }
        var signals: [StoredSignal] = []
        signals.reserveCapacity(min(limit, 1001))
        for (stream, from, since, state) in parts {
            let known = signals.count
            // When there are enough, older ones need not be read any more.
            let from = known < limit ? from : max(from, signals[limit - 1].id + 1)
            try db.cachedStatement(sql: Self.sql(stream)).rows { row in
                switch stream {
                case .type(let type): row.add(type.code)
                case .severity(let severity): row.add(severity.rawValue)
                case .entity(let id): row.add(id)
                case .process(let process): row.add(PackedIdentity.pack(process))
                case .everything, .open, .unknown: row.add(nil as Int64?)
                }
                row.add(from)
                row.add(min(query.cursor ?? Int64.max, to))
                row.add(limit)
                row.add(since?.nanoseconds)
                row.add(query.minimumSeverity.rawValue)
                row.add(types)
                row.add(state?.code)
                row.add(query.until?.nanoseconds)
            } _: {
                signals.append(try StoredSignal($0, &connection.shared, db))
            }
            if known > 0, signals.count > known { signals = merged(signals, limit) }
        }
        return signals
    }

    /// Newest first, each once.
    private func merged(_ signals: [StoredSignal], _ limit: Int) -> [StoredSignal] {
        var seen: Set<Int64> = []
        return Array(signals.filter { seen.insert($0.id).inserted }.sorted { $0.id > $1.id }.prefix(limit))
    }

    private var severities: [Severity] { Severity.allCases.filter { $0 >= query.minimumSeverity } }

    /// Every statement that a plan can use.
    static var statements: [String] {
        [
            .everything, .type(.syscall), .severity(.low), .entity(0), .process(ProcessIdentity(pid: 1, startTicks: 0)),
            .open, .unknown,
        ].map(sql)
    }

    private static func sql(_ stream: Stream) -> String {
        let (index, condition) =
            switch stream {
            case .everything: ("NOT INDEXED", "?1 IS NULL")
            case .type: ("INDEXED BY idx_signal_type", "s.type = ?1")
            case .severity: ("INDEXED BY idx_severity", "s.severity = ?1")
            case .entity: ("INDEXED BY idx_entity", "s.entity = ?1")
            case .process: ("INDEXED BY idx_process", "s.process = ?1")
            case .open: ("INDEXED BY idx_open", "?1 IS NULL AND s.state = 1")
            case .unknown: ("INDEXED BY idx_unknown", "?1 IS NULL AND s.state = 2")
            }
        return """
            \(StoredSignal.select(index)) WHERE \(condition) AND s.id >= ?2 AND s.id < ?3
                AND (?5 IS NULL OR s.timestamp >= ?5)
                AND s.severity >= ?6
                AND (?7 IS NULL OR ?7 >> s.type & 1)
                AND (?8 IS NULL OR s.state = ?8)
                AND (?9 IS NULL OR s.timestamp < ?9)
            ORDER BY s.id DESC LIMIT ?4
            """
    }

    /// A name may stand for things of several kinds; an id of a process is kept in the signals themselves.
    private static func streams(entity: String, _ db: Database) throws -> [Stream] {
        if let process = ProcessIdentity(entity) { return PackedIdentity.holds(process) ? [.process(process)] : [] }
        var streams: [Stream] = []
        let find = "SELECT id FROM entities WHERE name = ?1 UNION SELECT id FROM entities WHERE key = ?1 LIMIT 16"
        try db.cachedStatement(sql: find).rows({ $0.add(entity) }) {
            streams.append(.entity($0.int(0)))
        }
        return streams
    }

}
