import Model
import Readers
import Store

/// What a person may want.
extension Agent {
    /// A person says yes: makes the changes, and verifies them later. Throws why it is too late or not possible.
    ///
    /// Returns what was begun.
    public func approve(_ id: Int64) throws -> String {
        try expire()
        try checkThatItMayBegin()
        let row = try pending(id)
        let (problem, problems) = try problem(row.signal)
        guard let problem, let action = try? JSON.value(row.action, as: Action.self) else {
            throw try changed(row, "signal \(row.signal) is not open any more")
        }
        if let process = action.process {
            guard let party = try? host.party(of: process), problem.culprits.contains(where: party.hadOrHas) else {
                throw try changed(row, "process \(process.pid) has ended or is not to blame any more")
            }
        }
        try journal.set(id, .executing, note: "approved", at: .now)
        return try begin(row, action, problem, of: problems, CycleLog(journal, cause: "decision \(id) was approved"))
    }

    /// A person wants something done about a signal. As `approve`; what only looks is done in any mode, and said at once.
    public func perform(_ order: AgentOrder) throws -> String {
        let (problem, problems) = try problem(order.signal)
        guard let problem else {
            throw RequestFailure(
                "signal \(order.signal) is not open above low; /api/signals?state=open lists those that are")
        }
        let action = try Action(order.kind, on: whom(order, problem), value: order.value)
        var log = CycleLog(journal, cause: "a person wanted \(action) for signal \(problem.id)")
        if action.kind.risk == .none {
            let measurements = Measurements(reader: reader, thresholds: configuration.thresholds)
            let looked = try look(action, at: problem.entity, measurements, &log)
            try log.close("looked: \(action)")
            return looked.message
        }
        try checkThatItMayBegin()
        var row = AgentDecision(
            id: 0, cycle: try log.cycle, signal: problem.id, action: try JSON.text(action),
            reason: "a person wanted it", confidence: 1, state: .executing, created: .now, updated: .now)
        row.id = try journal.add(row)
        return try begin(row, action, problem, of: problems, log)
    }

    private func whom(_ order: AgentOrder, _ problem: Problem) throws -> ProcessIdentity? {
        guard order.kind.blastRadius == .party else {
            if order.pid != nil {
                throw RequestFailure("\(order.kind.rawValue) is about the host, not about a process")
            }
            return nil
        }
        if let pid = order.pid {
            guard let process = ProcessTable.identity(of: pid) else {
                throw RequestFailure("there is no process \(pid)")
            }
            return process
        }
        guard let culprit = problem.culprits.first(where: { ProcessStat($0.process) != nil }) else {
            throw RequestFailure("signal \(problem.id) blames nobody who lives: say whom it is about")
        }
        return culprit.process
    }

    /// An open signal above low, whether or not a cycle would look at it, and all that a cycle would.
    private func problem(_ id: Int64) throws -> (Problem?, of: [Problem]) {
        let measurements = Measurements(reader: reader, thresholds: configuration.thresholds)
        let input = try observation(measurements)
        let observed = Observe.run(input)
        if let gap = observed.gap { throw RequestFailure(gap) }
        let found = input.signals.first { $0.isOpen && $0.problem.severity > .low && $0.problem.id == id }?.problem
        let others = observed.problems.filter { $0.id != id }
        return (found, [found].compactMap(\.self) + others)
    }

    private func checkThatItMayBegin() throws {
        guard !isBusy, !isStopping else {
            throw RequestFailure("another action is in flight; try again in some seconds")
        }
        guard configuration.policy.mode != .observe else {
            throw RequestFailure(
                "the agent runs in mode observe and may change nothing; set agent.mode and restart it")
        }
    }

    /// Makes the changes of a decision, and verifies them later. Returns what was begun.
    private func begin(
        _ row: AgentDecision, _ action: Action, _ problem: Problem, of problems: [Problem], _ log: CycleLog
    ) throws -> String {
        isBusy = true
        var log = log
        do {
            guard let trial = try execute(row, action, problem, of: problems, byPerson: true, &log) else {
                let reason = try records.decision(row.id)?.note
                throw RequestFailure("it could not be done: \(reason ?? "see its note")")
            }
            Task { [log] in
                var log = log
                defer { isBusy = false }
                try await verify(trial, &log)
                enter(nil)
            }
            return "executing \(action), to be verified in \(Int(configuration.settle)) s"
        } catch {
            isBusy = false
            throw error
        }
    }

    /// A person says no.
    public func reject(_ id: Int64) throws {
        try expire()
        _ = try pending(id)
        try journal.set(id, .rejected, at: .now)
    }

    /// A person wants all that stands taken back. Throws what could not be.
    public func undoAll() throws -> Int {
        guard !isBusy else { throw RequestFailure("an action is in flight; try again in some seconds") }
        let standing = try records.decisions(in: AgentDecision.State.inFlight + AgentDecision.State.changed).count
        let stuck = try undoAll(note: Self.onRequest)
        guard stuck.isEmpty else {
            let reasons = stuck.map { "decision \($0.id): \($0.note ?? "")" }
            throw RequestFailure("could not be taken back: \(reasons.joined(separator: "; "))")
        }
        return standing
    }

    private func changed(_ row: AgentDecision, _ what: String) throws -> RequestFailure {
        try journal.set(row.id, .refused, note: "the situation has changed: \(what)", at: .now)
        return RequestFailure("the situation has changed: \(what)")
    }

    private func pending(_ id: Int64) throws -> AgentDecision {
        guard let row = try records.decisions(in: [.pending]).first(where: { $0.id == id }) else {
            throw RequestFailure("no decision \(id) waits for a person: it was never made, answered, or has expired")
        }
        return row
    }

    func expire() throws {
        for row in try records.decisions(in: [.pending]) where row.expires.map({ $0 < .now }) ?? false {
            try journal.set(row.id, .expired, at: .now)
        }
    }
}

extension Party {
    /// Whether a culprit is of it, or was: children that come and go are named as well.
    fileprivate func hadOrHas(_ culprit: Culprit) -> Bool {
        contains(culprit.process)
            || ProcessStat(culprit.process) == nil && members.contains { $0.comm == culprit.comm }
    }
}

/// Why what a person wanted came to nothing.
public struct RequestFailure: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
