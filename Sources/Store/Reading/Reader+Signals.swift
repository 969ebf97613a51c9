import GRDB
import Model

extension Reader {
    /// The newest signals that match. Costs the same however many there are; see `SignalPlan`.
    public func signals(_ query: SignalQuery = SignalQuery()) throws -> SignalPage {
        try read { connection, db in
            let limit = min(max(query.limit, 1), 1000)
            let ids = try SignalPlan(query, db).ids(db, limit: limit + 1)
            let page = ids.prefix(limit)
            let signals = try page.compactMap { try StoredSignal.find($0, connection, db) }
            return SignalPage(
                signals: signals, next: ids.count > limit ? page.last : nil, lastCommit: try Self.lastCommit(db))
        }
    }

    /// One signal with its evidence, culprits, victims and the raw events it cites; `nil` when there is none.
    public func signal(id: Int64) throws -> SignalDetail? {
        try read { connection, db in
            guard let signal = try StoredSignal.find(id, connection, db) else { return nil }
            var detail = SignalDetail(signal: signal, evidence: "[]", culprits: "[]", victims: "[]", events: [])
            let select = "SELECT evidence, culprits, victims FROM signal_details WHERE signal_id = ?"
            try db.cachedStatement(sql: select).rows {
                $0.add(id)
            } _: {
                detail.evidence = $0.text(0)
                detail.culprits = $0.text(1)
                detail.victims = $0.text(2)
            }
            for source in EventSource.allCases {
                try db.cachedStatement(sql: source.cited).rows {
                    $0.add(id)
                } _: {
                    detail.events.append((source, $0.text(0)))
                }
            }
            return detail
        }
    }

    static func lastCommit(_ db: Database) throws -> Timestamp {
        var time = Timestamp(nanoseconds: 0)
        try db.cachedStatement(sql: "SELECT last_commit FROM store_state WHERE id = 1").rows {
            time.nanoseconds = $0.int(0)
        }
        return time
    }
}

extension StoredSignal {
    static let select = """
        SELECT s.id, s.timestamp, s.signal_type, s.severity, s.state, s.peak_score, s.current_severity, s.current_score,
            l.semantic_label, l.signal_category, e.kind, e.key, e.name, s.process, s.template, s."values",
            s.last_seen, s.closed_at, s.occurrence_count, s.rule_version
        FROM signals s LEFT JOIN labels l ON l.id = s.label LEFT JOIN entities e ON e.id = s.entity WHERE s.id = ?
        """

    static func find(_ id: Int64, _ connection: ReadConnection, _ db: Database) throws -> StoredSignal? {
        var signal: StoredSignal?
        try db.cachedStatement(sql: select).rows {
            $0.add(id)
        } _: { row in
            let template = try connection.template(row.int(14), db)
            // Names that this version does not know cannot be in a schema that it knows.
            signal = StoredSignal(
                id: row.int(0), type: SignalType(rawValue: row.text(2)) ?? .syscall,
                category: SignalCategory(rawValue: row.text(9)) ?? .symptom, label: row.text(8),
                entity: Entity(
                    kind: Entity.Kind(rawValue: row.text(10)) ?? .system,
                    id: row.isNull(13) ? row.text(11) : row.text(13), name: row.text(12)),
                state: Episode.State(rawValue: row.text(4)) ?? .unknown, opened: Timestamp(nanoseconds: row.int(1)),
                lastSeen: Timestamp(nanoseconds: row.int(16)),
                closed: row.isNull(17) ? nil : Timestamp(nanoseconds: row.int(17)),
                peak: Grade(severity: Severity(name: row.text(3)) ?? .low, score: Double(row.int(5)) / 10_000),
                current: Grade(
                    severity: Severity(rawValue: Int(row.int(6))) ?? .low, score: Double(row.int(7)) / 10_000),
                occurrences: Int(row.int(18)), ruleVersion: Int(row.int(19)),
                message: Message(template, StringArray.parse(row.bytes(15))))
        }
        return signal
    }
}

extension EventSource {
    /// The events that a signal cites, as JSON objects.
    var cited: String {
        """
        SELECT \(json) FROM signal_events c JOIN \(rawValue) v ON v.id = c.event_id
        WHERE c.signal_id = ? AND c.source = '\(rawValue)'
        """
    }

    private var json: String {
        let own =
            switch self {
            case .syscalls:
                """
                'syscall_nr', syscall_nr, 'syscall_name', syscall_name, 'category', category, 'latency_ns', latency_ns,
                'blocked_ns', blocked_ns, 'ret_value', ret_value, 'arg0', printf('0x%llx', arg0)
                """
            case .scheduler:
                """
                'wait_ns', wait_ns, 'preempted', json(iif(preempted, 'true', 'false')), 'previous_pid', previous_pid,
                'previous_comm', previous_comm
                """
            case .pageFaults:
                """
                'address', printf('0x%llx', address), 'latency_ns', latency_ns, 'fault_type', fault_type,
                'access_type', access_type, 'user_mode', json(iif(user_mode, 'true', 'false'))
                """
            case .blockIO:
                """
                'device_name', device_name, 'operation', operation, 'sector', sector, 'bytes', bytes,
                'latency_ns', latency_ns, 'queued_ns', queued_ns, 'error', error
                """
            }
        let cpu = self == .blockIO ? "" : "'cpu', cpu, "
        return
            "json_object('id', v.id, 'timestamp', timestamp, 'pid', pid, 'tid', tid, 'uid', uid, 'comm', comm, \(cpu)\(own))"
    }
}
