import GRDB
import Glibc
import Model

extension StoredSignal {
    /// All of a signal; `index` says where the rows come from. Each brings its details by their key: the order and the
    /// limit of `signals` are those of the whole.
    static func select(_ index: String = "") -> String {
        """
        SELECT s.id, s.timestamp, s.signal_type, s.severity, s.state, s.peak_score, s.current_severity, s.current_score,
            s.label, s.entity, s.process, s.template, s."values", s.last_seen, s.closed_at, s.occurrence_count,
            s.rule_version, ifnull(d.culprits, '[]')
        FROM signals s \(index) LEFT JOIN signal_details d ON d.signal_id = s.id
        """
    }

    static let one = select() + " WHERE s.id = ?"

    /// What stands in a row of `select`.
    init(_ row: Columns, _ connection: ReadConnection, _ db: Database) throws {
        let label = try connection.label(row.int(8), db)
        var entity = try connection.entity(row.int(9), db)
        if !row.isNull(10) { entity.id = row.text(10) }
        // Names that this version does not know cannot be in a schema that it knows.
        self.init(
            id: row.int(0), type: types[row.bytes(2)] ?? .syscall, category: label.category, label: label.text,
            entity: entity, state: states[row.bytes(4)] ?? .unknown, opened: Timestamp(nanoseconds: row.int(1)),
            lastSeen: Timestamp(nanoseconds: row.int(13)),
            closed: row.isNull(14) ? nil : Timestamp(nanoseconds: row.int(14)),
            peak: Grade(severity: severities[row.bytes(3)] ?? .low, score: Double(row.int(5)) / 10_000),
            current: Grade(severity: Severity(rawValue: Int(row.int(6))) ?? .low, score: Double(row.int(7)) / 10_000),
            occurrences: Int(row.int(15)), ruleVersion: Int(row.int(16)),
            message: Message(try connection.template(row.int(11), db), StringArray.parse(row.bytes(12))),
            culprits: row.text(17))
    }
}

extension ReadConnection {
    func signal(_ id: Int64, _ db: Database) throws -> StoredSignal? {
        var signal: StoredSignal?
        try db.cachedStatement(sql: StoredSignal.one).rows({ $0.add(id) }, { signal = try StoredSignal($0, self, db) })
        return signal
    }
}

/// The few names that a column holds, found by their bytes: no string is made for each row.
private struct Names<Value: Sendable>: Sendable {
    private let entries: [(name: [UInt8], value: Value)]

    init(_ values: [Value], _ name: (Value) -> String) { entries = values.map { (Array(name($0).utf8), $0) } }

    subscript(_ bytes: UnsafeRawBufferPointer) -> Value? {
        guard let start = bytes.baseAddress else { return nil }
        return entries.first { $0.name.count == bytes.count && memcmp($0.name, start, bytes.count) == 0 }?.value
    }
}

private let types = Names(SignalType.allCases, \.rawValue)
private let states = Names(Episode.State.allCases, \.rawValue)
private let severities = Names(Severity.allCases, \.name)
