import Model
import Store

/// The journal of an execution in agent.db.
struct Changes: ChangeJournal {
    let journal: AgentJournal
    let records: AgentReader

    func intend(_ changes: [Change], decision: Int64) throws -> [Int64] {
        try journal.intend(
            changes.map { (try JSON.text($0.setting), $0.before, $0.after) }, decision: decision, at: .now)
    }

    func mark(_ ids: [Int64], _ state: ChangeState) throws { try journal.mark(ids, state.rawValue, at: .now) }

    func changes(of decision: Int64) throws -> [(id: Int64, change: Change, state: ChangeState)] {
        try records.changes(of: [decision]).map { row in
            let setting = try JSON.value(row.setting, as: Setting.self)
            return (
                row.id, Change(setting, from: row.before, to: row.after), ChangeState(rawValue: row.state) ?? .intended
            )
        }
    }
}
