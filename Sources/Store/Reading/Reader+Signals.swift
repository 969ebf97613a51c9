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
                signals: signals, next: goesOn ? signals.last?.id : nil, lastCommit: try Self.lastCommit(db))
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

    /// When the newest episodes of a signal's type, label and entity opened, itself among them; newest first.
    public func openings(like signal: StoredSignal, since: Timestamp, limit: Int) throws -> [Timestamp] {
        try read { _, db in
            var times: [Timestamp] = []
            let sql = ProcessIdentity(signal.entity.id) == nil ? Self.openingsOfEntity : Self.openingsOfProcess
            let first = try SignalPlan.firstID(since: since, db)
            try db.cachedStatement(sql: sql).rows {
                $0.add(signal.id)
                $0.add(first)
                $0.add(since.nanoseconds)
                $0.add(limit)
            } _: {
                times.append(Timestamp(nanoseconds: $0.int(0)))
            }
            return times
        }
    }

    static let openingsOfEntity = openings("INDEXED BY idx_entity", "o.entity = s.entity")
    static let openingsOfProcess = openings("INDEXED BY idx_process", "o.process = s.process")

    private static func openings(_ index: String, _ condition: String) -> String {
        """
        SELECT o.timestamp FROM signals s CROSS JOIN signals o \(index)
            ON \(condition) AND o.id >= ?2 AND o.type = s.type AND o.label = s.label AND o.timestamp >= ?3
        WHERE s.id = ?1 ORDER BY o.id DESC LIMIT ?4
        """
    }

    static func lastCommit(_ db: Database) throws -> Timestamp {
        var time = Timestamp(nanoseconds: 0)
        try db.cachedStatement(sql: "SELECT last_commit FROM store_state WHERE id = 1").rows {
            time.nanoseconds = $0.int(0)
        }
        return time
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
