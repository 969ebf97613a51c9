import GRDB
import Model

extension StoredSignal {
    /// All of a signal; `index` says where the rows come from.
    static func select(_ index: String = "") -> String {
        """
        SELECT s.id, s.timestamp, s.type, s.severity, s.state, s.peak_score, s.current_severity, s.current_score,
            s.label, s.entity, s.process, s.template, s."values", s.lasted, s.closed_after, s.occurrence_count,
            s.rule_version, s.details
        FROM signals s \(index)
        """
    }

    static let one = select() + " WHERE s.id = ?"

    /// What stands in a row of `select`.
    init(_ row: Columns, _ shared: inout SharedRows, _ db: Database) throws {
        let label = try shared.label(row.int(8), db)
        var entity = try shared.entity(row.int(9), db)
        if !row.isNull(10) { entity.id = PackedIdentity.unpack(row.int(10)).description }
        let people = try FindingDetails.people(row.bytes(17)) { try shared.party($0, db) }
        let opened = Timestamp(nanoseconds: row.int(1))
        // Numbers that this version does not know cannot be in a schema that it knows.
        self.init(
            id: row.int(0), type: SignalType(code: Int(row.int(2))) ?? .syscall, category: label.category,
            label: label.text, entity: entity, state: Episode.State(code: row.int(4)),
            opened: opened, lastSeen: opened.advanced(byMicroseconds: row.int(13)),
            closed: row.isNull(14) ? nil : opened.advanced(byMicroseconds: row.int(14)),
            peak: Grade(
                severity: Severity(rawValue: Int(row.int(3))) ?? .low, score: Double(row.int(5)) / 10_000),
            current: Grade(severity: Severity(rawValue: Int(row.int(6))) ?? .low, score: Double(row.int(7)) / 10_000),
            occurrences: Int(row.int(15)), ruleVersion: Int(row.int(16)),
            culprits: people.culprits,
            text: SignalText(
                try shared.template(row.int(11), db), values: Array(row.bytes(12)),
                culprit: people.culprits.first.map { .init(comm: $0.comm, pid: $0.process.pid) },
                victim: people.victim.map { .init(comm: $0.comm, pid: $0.process.pid) }))
    }
}

extension SignalDetail {
    /// What stands in a row of `StoredSignal.select`, without the events.
    init(_ row: Columns, _ shared: inout SharedRows, _ db: Database) throws {
        let details = try FindingDetails.read(row.bytes(17)) {
            try shared.party($0, db)
        } input: {
            try shared.input($0, db)
        }
        self.init(
            signal: try StoredSignal(row, &shared, db), evidence: details.evidence, victims: details.victims, events: []
        )
    }
}

extension Episode.State {
    /// The number that stands for it in the database: the most frequent is 0, which takes no byte.
    var code: Int64 {
        switch self {
        case .closed: 0
        case .open: 1
        case .unknown: 2
        }
    }

    init(code: Int64) { self = code == 0 ? .closed : code == 1 ? .open : .unknown }
}

extension Timestamp {
    /// A damaged database may say anything.
    fileprivate func advanced(byMicroseconds microseconds: Int64) -> Timestamp {
        Timestamp(nanoseconds: nanoseconds &+ 1000 &* microseconds)
    }
}
