import Model
import Store

/// What the agent's own database says of it.
enum AgentWord {
    /// It has been heard of lately, and is in a phase or between cycles.
    case alive(AgentStatus)
    /// It has been stopped, or is not heard of any more.
    case silent(AgentStatus)
    case neverRan
    /// Its database cannot be read.
    case unreadable(StoreError)

    /// It says that it lives every two seconds.
    static let patience = 10.0

    var status: AgentStatus? {
        switch self {
        case .alive(let status), .silent(let status): status
        case .neverRan, .unreadable: nil
        }
    }

    var message: String {
        switch self {
        case .alive(let status):
            status.phase.map { "In \($0), mode \(status.mode)." } ?? "Waits for the next cycle, mode \(status.mode)."
        case .silent(let status):
            status.pid == 0
                ? "The agent was stopped at \(status.beat.rfc3339)."
                : "The agent (pid \(status.pid)) was last heard of at \(status.beat.rfc3339): start it again, it takes back "
                    + "what was in flight."
        case .neverRan: "No agent has run on this host."
        case .unreadable(let error): error.description
        }
    }
}

extension Service {
    /// What the agent's database says of it, and what else is asked there, at one commit; no answer where it cannot be read. Throws
    /// what passes by itself: who asks again is answered.
    func agent<Answer>(_ ask: (AgentLook) throws -> Answer) throws -> (word: AgentWord, answer: Answer?) {
        do {
            let found: (status: AgentStatus, answer: Answer)? = try agent.look { look in
                guard let status = try look.status() else { return nil }
                return (status, try ask(look))
            }
            guard let found else { return (.neverRan, nil) }
            let status = found.status
            let isHeard = status.pid != 0 && abs(clock().seconds(since: status.beat)) <= AgentWord.patience
            return (isHeard ? .alive(status) : .silent(status), found.answer)
        } catch StoreError.missing {
            return (.neverRan, nil)
        } catch let error as StoreError {
            switch error {
            case .busy, .timedOut: throw error
            default: return (.unreadable(error), nil)
            }
        }
    }

    /// `GET /api/agent/status`: what it is at, what it did last, what stands and what waits for a person.
    func agentStatus(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        let (word, found) = try agent { look in
            (
                cycles: try look.cycles(limit: 5),
                decisions: try look.decisions(in: [.pending] + AgentDecision.State.changed, limit: 100)
            )
        }
        let (cycles, decisions) = found ?? ([], [])
        return Reply(capacity: 4096) { json in
            if case .alive(let status) = word {
                json.member("status", status.phase == nil ? "idle" : "active")
                json.member("current_phase", status.phase)
            } else {
                json.member("status", "offline")
                json.member("current_phase", nil as String?)
            }
            json.member("message", word.message)
            if let status = word.status {
                json.member("mode", status.mode)
                json.member("started", rfc3339: status.started)
                json.member("last_seen", rfc3339: status.beat)
            }
            json.array("activity") { json in
                for phase in cycles.flatMap({ $0.phases.reversed() }).prefix(20) {
                    json.object {
                        $0.member("phase", phase.name)
                        $0.member("timestamp", rfc3339: phase.started)
                        $0.member("message", phase.message)
                    }
                }
            }
            json.array("pending") { json in
                for decision in decisions where decision.state == .pending { json.object { $0.decision(decision) } }
            }
            json.array("standing") { json in
                for decision in decisions where decision.state != .pending { json.object { $0.decision(decision) } }
            }
            json.dataTime(word.status?.beat, isStale: false)
        }
    }

    /// `GET /api/agent/history`: the latest cycles, newest first.
    func agentHistory(_ parameters: inout Parameters) throws -> Reply {
        let limit = parameters.integer("limit", in: 1...100, default: 10)
        try parameters.finish()
        let (word, found) = try agent { look in
            let cycles = try look.cycles(limit: limit)
            let decisions = try look.decisions(ofCycles: cycles.map(\.id))
            let changes = decisions.isEmpty ? [] : try look.changes(of: decisions.map(\.id))
            return (cycles: cycles, decisions: decisions, changes: changes, count: try look.cycleCount())
        }
        let cycles = found?.cycles ?? []
        let decisions = Dictionary(grouping: found?.decisions ?? [], by: \.cycle)
        let changes = Dictionary(grouping: found?.changes ?? [], by: \.decision)
        return Reply(capacity: 8192) { json in
            json.array("iterations") { json in
                for cycle in cycles {
                    json.object { $0.cycle(cycle, decisions[cycle.id] ?? [], changes) }
                }
            }
            json.member("count", found?.count ?? 0)
            json.member("message", word.message)
            json.dataTime(cycles.first?.started, isStale: false)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func cycle(
        _ cycle: AgentCycle, _ decisions: [AgentDecision], _ changes: [Int64: [AgentChange]]
    ) {
        member("id", cycle.id)
        member("timestamp", rfc3339: cycle.started)
        member("timestamp_ns", cycle.started.nanoseconds)
        member("cause", cycle.cause)
        member("finished", cycle.finished?.rfc3339)
        member("outcome", cycle.outcome)
        object("phases") { json in
            for (name, label) in Self.phases {
                let phases = cycle.phases.filter { $0.name == label }
                guard !phases.isEmpty else { continue }
                json.array(name) { for phase in phases { $0.element(phase.message) } }
            }
        }
        object("durations_ms") { json in
            for (name, label) in Self.phases {
                let phases = cycle.phases.filter { $0.name == label }
                guard !phases.isEmpty else { continue }
                json.member(name, Double(phases.reduce(0) { $0 + $1.durationNanoseconds }) / 1e6)
            }
        }
        array("actions") { json in
            for decision in decisions {
                json.object { json in
                    json.decision(decision)
                    json.changes(changes[decision.id] ?? [])
                }
            }
        }
    }

    mutating func changes(_ changes: [AgentChange]) {
        array("changes") { json in
            for change in changes {
                json.object {
                    $0.member("setting", json: change.setting)
                    $0.member("before", change.before)
                    $0.member("after", change.after)
                    $0.member("state", change.state)
                }
            }
        }
    }

    private static let phases: [(StaticString, String)] = [
        ("OBSERVE", "OBSERVE"), ("EXPLAIN", "EXPLAIN"), ("SIMULATE", "SIMULATE"), ("DECIDE", "DECIDE"),
        ("EXECUTE", "EXECUTE"), ("VERIFY", "VERIFY"),
    ]

    mutating func decision(_ decision: AgentDecision) {
        member("decision_id", decision.id)
        member("signal_id", decision.signal)
        member("action", json: decision.action)
        member("reason", decision.reason)
        member("confidence", decision.confidence)
        member("state", decision.state.rawValue)
        member("created", rfc3339: decision.created)
        member("created_ns", decision.created.nanoseconds)
        member("expires", decision.expires?.rfc3339)
        member("verdict", decision.verdict)
        member("note", decision.note)
    }
}
