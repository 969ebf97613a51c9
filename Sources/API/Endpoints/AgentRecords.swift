import Model
import Store

extension Service {
    /// `GET /api/agent/decisions`: what was decided in a window of time, newest first, with what was changed.
    func agentDecisions(_ parameters: inout Parameters) throws -> Reply {
        let limit = parameters.integer("limit", in: 1...1000, default: 100)
        let to = parameters.time("to") ?? clock()
        let from = parameters.time("from") ?? Timestamp(nanoseconds: 0)
        if from > to { parameters.fault("from", from.rfc3339, "must not be after to (\(to.rfc3339))") }
        let signal = parameters.has("signal_id") ? parameters.integer("signal_id", in: 1...Int.max, default: 1) : nil
        try parameters.finish()
        let word = agentWord()
        let decisions =
            word.status == nil
            ? [] : try agent.decisions(from: from, to: to, signal: signal.map(Int64.init), limit: limit)
        let changes = try Dictionary(
            grouping: decisions.isEmpty ? [] : agent.changes(of: decisions.map(\.id)), by: \.decision)
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
            json.dataTime(word.status?.beat, isStale: false)
        }
    }

    /// `GET /api/agent/audit`: the latest records, newest first; `before` goes on from one.
    func agentAudit(_ parameters: inout Parameters) throws -> Reply {
        let limit = parameters.integer("limit", in: 1...1000, default: 50)
        let before = parameters.integer("before", in: 1...Int.max, default: .max)
        try parameters.finish()
        let word = agentWord()
        let records = word.status == nil ? [] : try agent.audit(before: Int64(before), limit: limit)
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
            json.dataTime(word.status?.beat, isStale: false)
        }
    }
}
