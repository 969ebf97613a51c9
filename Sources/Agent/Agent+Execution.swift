import Model
import Readers
import Store

/// An action that was done, and what is needed to say whether it helped.
struct Trial: Sendable {
    var decision: Int64
    var action: Action
    var problem: Problem
    var before: Measurement
    /// The newest tick when it was done.
    var began: Timestamp
    var clock: ClockWatch
}

/// What EXECUTE did.
struct Done: PhaseResult {
    var action: Action
    var changes: [Change]

    var message: String { "\(action): \(changes.count) changes" }
}

/// EXECUTE and VERIFY, and the way back.
extension Agent {
    /// Seconds that an action's changes may take.
    private static let timeLimit = 5.0
    /// The most that is looked at from before an action, in seconds.
    private static let lookBack = 10.0
    /// A signal opens in the second tick of its condition.
    private static let opening = 2.0

    /// Makes the changes. `nil` if that failed: what was made of them is taken back then.
    ///
    /// - Parameter problems: All that is wrong, the one that it is for among them.
    func execute(
        _ row: AgentDecision, _ action: Action, _ problem: Problem, of problems: [Problem], byPerson: Bool,
        _ log: inout CycleLog
    ) throws -> Trial? {
        enter("EXECUTE")
        let measurements = Measurements(reader: reader, thresholds: configuration.thresholds)
        let began = try reader.health().lastTick
        let start = max(
            problem.opened.advanced(bySeconds: -Self.opening), began.advanced(bySeconds: -Self.lookBack))
        let before = try measurements.measurement(of: problem, from: start, to: began)
        var (isBegun, isDone) = (false, false)
        do {
            _ = try log.run("EXECUTE") {
                let limit = ContinuousClock.now + .seconds(Self.timeLimit)
                var first: [Step]? = try steps(of: action, row, problem, of: problems, byPerson: byPerson, measurements)
                isBegun = true
                try execution.perform(decision: row.id, until: limit) {
                    defer { first = nil }
                    return try first ?? steps(of: action, row, problem, of: problems, byPerson: byPerson, measurements)
                }
                isDone = true
                return (action, Done(action: action, changes: try changes.changes(of: row.id).map(\.change)))
            }
            try journal.set(row.id, .verifying, at: .now)
            try log.write()
        } catch {
            // What was not begun leaves nothing to take back, and is no try; what the host refused and is not made of changes
            // likewise.
            if isDone || isBegun && action.kind.isReversible {
                try takeBack(row.id, isReversible: action.kind.isReversible, note: "\(error)")
            } else {
                try journal.set(row.id, .refused, note: "\(error)", at: .now)
            }
            try log.close("failed: \(action): \(error)")
            return nil
        }
        return Trial(
            decision: row.id, action: action, problem: problem, before: before, began: began,
            clock: ClockWatch(wallClock))
    }

    /// Waits until the action has had its time, and takes it back unless it helped.
    func verify(_ trial: Trial, _ log: inout CycleLog) async throws {
        enter("VERIFY")
        await wait(until: trial.began.advanced(bySeconds: configuration.settle))
        // `stop` takes it back.
        if isStopping || Task.isCancelled { return }
        var judgement: Judgement
        do { judgement = try judge(trial, &log) } catch {
            judgement = Judgement(.unknown, "it cannot be read: \(error)")
        }
        if judgement.verdict == .helped {
            do {
                try journal.set(
                    trial.decision, trial.action.kind.isReversible ? .standing : .done,
                    verdict: judgement.verdict.rawValue, note: judgement.reason, at: .now)
            } catch { judgement = Judgement(.unknown, "it cannot be written down: \(error)") }
        }
        if judgement.verdict != .helped {
            try takeBack(
                trial.decision, isReversible: trial.action.kind.isReversible, verdict: judgement.verdict,
                note: judgement.reason)
        }
        try log.close("\(judgement.verdict.name): \(trial.action): \(judgement.reason)")
    }

    private func judge(_ trial: Trial, _ log: inout CycleLog) throws -> Judgement {
        let settle = configuration.settle
        return try log.run("VERIFY") {
            let measurements = Measurements(reader: reader, thresholds: configuration.thresholds)
            let end = try reader.health().lastTick
            let start = max(end.advanced(bySeconds: -max(settle / 2, 3)), trial.began)
            var after = try measurements.measurement(of: trial.problem, from: start, to: end)
            if end.seconds(since: trial.began) < settle / 2 { after.gap = "the store has no measurement since" }
            if trial.clock.wasSet { after.gap = "the clock was set" }
            let input = Verify.Input(before: trial.before, after: after)
            return (input, Verify.run(input))
        }
    }

    /// Waits for a tick: where the disk is busy, the store is late. Where no tick comes, not more than twice as long.
    private func wait(until tick: Timestamp) async {
        let limit = ContinuousClock.now + .seconds(2 * configuration.settle)
        var looks = 0
        while ContinuousClock.now < limit, !isStopping {
            // A store that is busy is asked again.
            if let last = try? reader.health().lastTick, last >= tick { return }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
            looks += 1
            if looks % 20 == 0 { try? beat() }
        }
    }

    private var changes: Changes { Changes(journal: journal, records: records) }
    private var execution: Execution { Execution(host: host, journal: changes) }

    // MARK: - Whom it is about

    /// What OBSERVE looks at: what stands in the store, and whom the changes that stand are about.
    func observation(_ measurements: Measurements) throws -> Observe.Input {
        var input = try measurements.observation()
        input.age = wallClock().seconds(since: input.lastTick)
        input.oldest = configuration.freshness
        let standing = try records.decisions(in: [.standing])
        guard !input.signals.isEmpty, !standing.isEmpty else { return input }
        let processes = host.processes()
        input.holds = standing.compactMap { row in
            guard let action = try? JSON.value(row.action, as: Action.self), let process = action.process,
                let party = try? processes.party(of: process)
            else { return nil }
            return Hold(action: action.description, processes: Set(party.members.map(\.process)))
        }
        return input
    }

    /// The culprits that live, by party.
    func parties(of problems: [Problem], in processes: ProcessTable) -> [Set<ProcessIdentity>] {
        let culprits = Set(problems.flatMap(\.culprits).map(\.process))
        return culprits.reduce(into: []) { parties, culprit in
            guard !parties.contains(where: { $0.contains(culprit) }), let party = try? processes.party(of: culprit)
            else {
                return
            }
            parties.append(culprits.intersection(party.members.map(\.process)))
        }
    }

    func targets(
        of causes: [Cause], in processes: ProcessTable, _ problems: [Problem], _ measurements: Measurements
    ) throws -> [ProcessIdentity: Target] {
        try causes.reduce(into: [:]) { targets, cause in
            // One that has ended is no target.
            guard let party = try? processes.party(of: cause.process) else { return }
            targets[cause.process] = try target(
                party, in: processes, for: Set(cause.problems), of: problems, measurements)
        }
    }

    /// - Parameter own: The problems that the party causes. Who suffers from another one is not to be touched either.
    private func target(
        _ party: Party, in processes: ProcessTable, for own: Set<Int64>, of problems: [Problem],
        _ measurements: Measurements
    ) throws -> Target {
        let use = try measurements.use(of: party)
        let victims = problems.filter { problem in
            own.contains(problem.id) || !problem.culprits.contains { party.contains($0.process) }
        }.flatMap(\.victims)
        return Target(
            party: party, victims: Party(members: processes.members(victims.map(\.process))),
            sessionMate: processes.sessionMate(of: party), groups: processes.groups(of: party),
            disks: problems.filter { own.contains($0.id) && $0.entity.kind == .device }.map(\.entity.id),
            writesBuffered: use.writesBuffered, cores: use.cores)
    }

    /// What there is to do now. The policy is asked again: time has passed since the decision.
    private func steps(
        of action: Action, _ row: AgentDecision, _ problem: Problem, of problems: [Problem], byPerson: Bool,
        _ measurements: Measurements
    ) throws -> [Step] {
        var whom = Target.nobody
        if let process = action.process {
            let processes = host.processes()
            whom = try target(
                processes.party(of: process), in: processes, for: [problem.id], of: problems, measurements)
        }
        let refusal = configuration.policy.refusal(
            action, confidence: row.confidence, on: whom, try past(without: row.id), now: .now, byPerson: byPerson)
        if let refusal { throw refusal }
        return try action.steps(for: whom, on: host.ground())
    }

    // MARK: - Taking back

    private func takeBack(_ id: Int64, isReversible: Bool, verdict: Verdict? = nil, note: String) throws {
        // Where this cannot be written, the host is set back all the same.
        try? journal.set(id, .undoing, verdict: verdict?.rawValue, note: note, at: .now)
        let failures = try execution.undo(decision: id)
        try journal.set(
            id, failures.isEmpty ? (isReversible ? .undone : .done) : .stuck,
            note: failures.isEmpty ? nil : failures.joined(separator: "; "), at: .now)
    }

    /// Takes decisions back, each by itself, and throws what went wrong first.
    func undo(_ rows: [AgentDecision], note: String) throws {
        var failure: (any Error)?
        for row in rows {
            let action = try? JSON.value(row.action, as: Action.self)
            do {
                try takeBack(row.id, isReversible: action?.kind.isReversible ?? true, note: note)
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// Sees to what was in flight when the agent before this one ended: whether it would have helped was not measured, so it is
    /// taken back. What stood goes on standing.
    public func recover(note: String = "the agent was restarted before it was verified") throws {
        try undo(records.decisions(in: AgentDecision.State.inFlight), note: note)
    }

    /// The kinds of actions of which changes may stand that an agent before this one made.
    public static func left(in records: AgentReader) throws -> Set<ActionKind> {
        do {
            let rows = try records.decisions(in: AgentDecision.State.inFlight + AgentDecision.State.changed)
            return Set(rows.compactMap { (try? JSON.value($0.action, as: Action.self))?.kind })
        } catch StoreError.missing {
            return []
        }
    }

    /// Takes back what stands for a process that has ended: its cgroup, and what others have inherited.
    func release() throws {
        let ended = try records.decisions(in: [.standing]).filter { row in
            guard let process = (try? JSON.value(row.action, as: Action.self))?.process else { return false }
            return ProcessStat(process) == nil
        }
        try undo(ended, note: "its process has ended")
    }

    /// Takes back all that stands. Returns what could not be.
    @discardableResult func undoAll(note: String) throws -> [AgentDecision] {
        try undo(records.decisions(in: AgentDecision.State.inFlight + AgentDecision.State.changed), note: note)
        return try records.decisions(in: [.stuck])
    }
}
