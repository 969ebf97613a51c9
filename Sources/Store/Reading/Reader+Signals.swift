import GRDB
import Model

extension Reader {
    /// The newest signals that match. Costs the same however many there are; see `SignalPlan`.
    public func signals(_ query: SignalQuery = SignalQuery()) throws -> SignalPage {
        try read { connection, db in
            let limit = min(max(query.limit, 1), 1000)
            var signals = try SignalPlan(query, db).signals(connection, db, limit: limit + 1)
            let goesOn = signals.count > limit
            if goesOn { signals.removeLast() }
            return SignalPage(
                signals: signals, next: goesOn ? signals.last?.id : nil, state: try Self.state(db))
        }
    }

    /// One signal with its evidence, culprits, victims and the raw events it cites; `nil` when there is none.
    public func signal(id: Int64) throws -> SignalDetail? {
        try read { connection, db in
            var found: SignalDetail?
            try db.cachedStatement(sql: StoredSignal.one).rows {
                $0.add(id)
            } _: {
                found = try SignalDetail($0, &connection.shared, db)
            }
            guard var detail = found else { return nil }
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

    /// When episodes of a signal's type, label and entity opened, itself among them; newest first. Looked for among the newest
    /// `most` signals of the entity, each of which is on a page of its own in a large database: not complete where there are more.
    public func openings(
        like signal: StoredSignal, since: Timestamp, among most: Int
    ) throws -> (times: [Timestamp], isComplete: Bool) {
        try read { _, db in
            var times: [Timestamp] = []
            var looked = 0
            let sql = ProcessIdentity(signal.entity.id) == nil ? Self.openingsOfEntity : Self.openingsOfProcess
            let first = try SignalPlan.firstID(since: since, db)
            try db.cachedStatement(sql: sql).rows {
                $0.add(signal.id)
                $0.add(first)
                $0.add(most + 1)
            } _: {
                looked += 1
                if looked <= most, $0.int(1) == 1 { times.append(Timestamp(nanoseconds: $0.int(0))) }
            }
            return (times, looked <= most)
        }
    }

    static let openingsOfEntity = openings("entity", "idx_entity")
    static let openingsOfProcess = openings("process", "idx_process")

    private static func openings(_ column: String, _ index: String) -> String {
        """
        SELECT o.timestamp, o.type = s.type AND o.label = s.label FROM signals s CROSS JOIN (
            SELECT timestamp, type, label FROM signals INDEXED BY \(index)
            WHERE \(column) = (SELECT \(column) FROM signals WHERE id = ?1) AND id >= ?2 ORDER BY id DESC LIMIT ?3
        ) o WHERE s.id = ?1
        """
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
