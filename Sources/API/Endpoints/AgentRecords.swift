import Model
import Store

extension Service {
    /// A decision may change a setting of each thread of a large process.
    private static let mostChanges = 2000

    /// `GET /api/agent/decisions`: what was decided in a window of time or about a signal, newest first, with what was changed.
    func agentDecisions(_ parameters: inout Parameters) throws -> Reply {
        let limit = parameters.integer("limit", in: 1...100, default: 100)
        let to = parameters.time("to")
        let from = parameters.time("from")
        if let from, let to, from > to {
            parameters.fault("from", from.rfc3339, "must not be after to (\(to.rfc3339))")
        }
        let signal = parameters.integer("signal_id", in: 1...Int.max)
        if let signal, from != nil || to != nil {
            parameters.fault(
                "signal_id", "\(signal)", "cannot go together with from and to; give one or the other")
        }
        try parameters.finish()
        let (word, found) = try agentRecords { look in
            let decisions =
                try signal.map { try look.decisions(aboutSignal: Int64($0), limit: limit) }
                ?? look.decisions(
                    from: from ?? Timestamp(nanoseconds: 0), to: to ?? Timestamp(nanoseconds: .max), limit: limit)
            let changes = try look.changes(of: decisions.map(\.id), limit: Self.mostChanges + 1)
            return (decisions: decisions, changes: changes)
        }
        let decisions = found?.decisions ?? []
        let all = found?.changes ?? []
        let changes = Dictionary(grouping: all.suffix(Self.mostChanges), by: \.decision)
        return Reply(capacity: 4096) { json in
            json.member("count", decisions.count)
            json.array("decisions") { json in
                for decision in decisions {
                    json.object {
                        $0.member("cycle", decision.cycle)
                        $0.decision(decision)
                        $0.changes(changes[decision.id] ?? [])
                    }
                }
            }
            json.member("changes_complete", all.count <= Self.mostChanges)
            json.member("message", word.message)
            json.dataTime(word.status?.beat, isStale: false)
        }
    }

    /// `GET /api/agent/audit`: the latest records, newest first; `before` goes on from one.
    func agentAudit(_ parameters: inout Parameters) throws -> Reply {
        let limit = parameters.integer("limit", in: 1...1000, default: 50)
        let before = parameters.integer("before", in: 1...Int.max, default: .max)
        try parameters.finish()
        let (word, found) = try agentRecords { try $0.audit(before: Int64(before), limit: limit) }
        let records = found ?? []
        return Reply(capacity: 8192) { json in
            json.member("count", records.count)
            json.array("records") { json in
                for record in records {
                    json.object {
                        $0.member("id", record.id)
                        $0.member("timestamp", rfc3339: record.time)
                        $0.member("timestamp_ns", record.time.nanoseconds)
                        $0.member("kind", record.kind)
                        $0.member("body", record.body)
                        $0.member("hash", record.hash)
                    }
                }
            }
            json.member("message", word.message)
            json.dataTime(word.status?.beat, isStale: false)
        }
    }

    /// Records that cannot be read are no empty ones.
    private func agentRecords<Answer>(
        _ ask: (AgentLook) throws -> Answer
    ) throws -> (word: AgentWord, answer: Answer?) {
        let found = try agent(ask)
        if case .unreadable(let error) = found.word { throw error }
        return found
    }
}
