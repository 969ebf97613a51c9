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
        guard !isBusy, !isStopping else {
            throw ApprovalFailure("another action is in flight; try again in some seconds")
        }
        let row = try pending(id)
        guard configuration.policy.mode != .observe else {
            throw ApprovalFailure(
                "the agent runs in mode observe and may change nothing; set agent.mode and restart it")
        }
        let measurements = Measurements(reader: reader, thresholds: configuration.thresholds)
        let observed = Observe.run(try observation(measurements))
        guard let problem = observed.problems.first(where: { $0.id == row.signal }),
            let action = try? JSON.value(row.action, as: Action.self)
        else {
            throw try changed(row, "signal \(row.signal) is not open any more")
        }
        if let process = action.process {
            guard let party = try? host.party(of: process), problem.culprits.contains(where: party.hadOrHas) else {
                throw try changed(row, "process \(process.pid) has ended or is not to blame any more")
            }
        }
        isBusy = true
        var log = CycleLog(journal, cause: "decision \(id) was approved")
        do {
            try journal.set(id, .executing, note: "approved", at: .now)
            guard let trial = try execute(row, action, problem, of: observed.problems, byPerson: true, &log) else {
                let reason = try records.decisions(in: [.undone, .stuck]).first { $0.id == id }?.note ?? "see its note"
                throw ApprovalFailure("it could not be done: \(reason)")
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
        guard !isBusy else { throw ApprovalFailure("an action is in flight; try again in some seconds") }
        let standing = try records.decisions(in: AgentDecision.State.inFlight + AgentDecision.State.changed).count
        let stuck = try undoAll(note: "on request")
        guard stuck.isEmpty else {
            let reasons = stuck.map { "decision \($0.id): \($0.note ?? "")" }
            throw ApprovalFailure("could not be taken back: \(reasons.joined(separator: "; "))")
        }
        return standing
    }

    private func changed(_ row: AgentDecision, _ what: String) throws -> ApprovalFailure {
        try journal.set(row.id, .refused, note: "the situation has changed: \(what)", at: .now)
        return ApprovalFailure("the situation has changed: \(what)")
    }

    private func pending(_ id: Int64) throws -> AgentDecision {
        guard let row = try records.decisions(in: [.pending]).first(where: { $0.id == id }) else {
            throw ApprovalFailure("no decision \(id) waits for a person: it was never made, answered, or has expired")
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

/// Why a person's yes or no came to nothing.
public struct ApprovalFailure: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
