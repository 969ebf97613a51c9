import Glibc
import Model
import Store

/// Runs the cycle: reads for the phases, writes down what they say, and does what they decide.
///
/// One change at a time: who asks for another while one is in flight is told so.
public actor Agent {
    public struct Configuration: Sendable {
        public var policy = Policy()
        public var thresholds = Thresholds()
        /// Seconds without a measurement after which nobody knows how things are.
        public var freshness = 10.0
        /// Seconds between two cycles.
        public var interval = 60.0
        /// Seconds between an action and the look at what came of it.
        public var settle = 10.0
        /// Seconds that a person has to say yes.
        public var expiry = 300.0
        /// Whether what stands is taken back when the agent stops.
        public var undoesOnStop = true

        public init() {}
    }

    /// Cycles are kept this long; decisions, changes and the audit for good.
    private static let cyclesKept = 7.0 * 86_400

    /// The note of what a person wanted taken back.
    static let onRequest = "on request"

    public private(set) var configuration: Configuration
    let host: Host
    let reader: Reader
    let journal: AgentJournal
    let records: AgentReader
    /// What is held against the time since boot, to notice that it was set.
    let wallClock: @Sendable () -> Timestamp
    private let started = Timestamp.now
    var isBusy = false
    var isStopping = false
    private var phase: String?
    private var catalogue = "[]"

    public init(
        _ configuration: Configuration, reader: Reader, journal: AgentJournal, records: AgentReader,
        host: Host = Host(),
        wallClock: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.wallClock = wallClock
        self.configuration = configuration
        self.reader = reader
        self.journal = journal
        self.records = records
        self.host = host
    }

    public func configure(_ configuration: Configuration) {
        self.configuration = configuration
        takeStock()
    }

    /// Finds out which actions would do nothing on this host.
    @discardableResult private func takeStock() -> Ground {
        let ground = host.ground()
        catalogue = (try? JSON.text(ActionKind.catalogue(on: ground, configuration.policy))) ?? "[]"
        return ground
    }

    /// One turn. `cause` says what started it. While another, or an action, is in flight there is none, and the answer is `false`.
    @discardableResult public func cycle(cause: String) async throws -> Bool {
        guard !isBusy, !isStopping else { return false }
        isBusy = true
        defer { isBusy = false }
        // Nothing is in flight: what stands there as such could not be written down, or not be taken back.
        try recover(note: "it was not seen to its end")
        try expire()
        try release()
        try journal.prune(before: Timestamp.now.advanced(bySeconds: -Self.cyclesKept))
        let ground = takeStock()
        var log = CycleLog(journal, cause: cause)
        enter("OBSERVE")
        let measurements = Measurements(reader: reader, thresholds: configuration.thresholds)
        let observed = try log.run("OBSERVE") {
            let input = try observation(measurements)
            return (input, Observe.run(input))
        }
        let problems = observed.problems
        guard !problems.isEmpty else {
            try log.close(observed.message)
            enter(nil)
            return true
        }
        var processes: ProcessTable?
        let explanation = log.run("EXPLAIN") {
            let table = host.processes()
            processes = table
            let parties = parties(of: problems, in: table)
            return (parties, Explain.run(observed, parties))
        }
        var scene = Scene(targets: [:], ground: ground, past: try past())
        let outlook = try log.run("SIMULATE") {
            scene.targets = try targets(
                of: explanation.causes, in: processes ?? host.processes(), problems, measurements)
            return (scene, Simulate.run(.init(problems, explanation, scene, configuration.thresholds)))
        }
        let decision = log.run("DECIDE") {
            let policy = configuration.policy
            return (policy, Decide.run(.init(outlook, scene, policy, now: .now)))
        }
        if let chosen = decision.chosen, let problem = problems.first(where: { $0.id == chosen.problem }) {
            try await follow(chosen, problem, of: problems, decision.reason, &log)
        } else if explanation.causes.isEmpty {
            let looked = try look(Action(problems[0].type.look), at: problems[0].entity, measurements, &log)
            try log.close("cannot tell from this data who causes it; looked: \(looked.action)")
        } else {
            try log.close(decision.reason)
        }
        enter(nil)
        return true
    }

    /// What the mode makes of a decision.
    private func follow(
        _ chosen: Candidate, _ problem: Problem, of problems: [Problem], _ reason: String, _ log: inout CycleLog
    ) async throws {
        var row = AgentDecision(
            id: 0, cycle: try log.cycle, signal: problem.id, action: try JSON.text(chosen.action), reason: reason,
            confidence: chosen.confidence, state: .advised, created: .now, updated: .now)
        switch configuration.policy.mode {
        case .observe:
            // Once for each signal: it is the same advice as long as that is open.
            let advised = try records.decisions(in: [.advised], since: problem.opened)
            if !advised.contains(where: { $0.signal == row.signal && $0.action == row.action }) {
                _ = try journal.add(row)
            }
            try log.close("advised: \(chosen.action)")
        case .approve:
            if let waiting = try records.decisions(in: [.pending]).first(where: { $0.action == row.action }) {
                return try log.close("decision \(waiting.id) still waits for a person: \(chosen.action)")
            }
            row.state = .pending
            row.expires = Timestamp.now.advanced(bySeconds: configuration.expiry)
            let id = try journal.add(row)
            try log.close("decision \(id) waits for a person: \(chosen.action)")
        case .auto:
            row.state = .executing
            row.id = try journal.add(row)
            try log.write()
            guard let trial = try execute(row, chosen.action, problem, of: problems, byPerson: false, &log) else {
                return
            }
            try await verify(trial, &log)
        }
    }

    /// Looks at what a problem is about and writes down what it sees.
    func look(
        _ action: Action, at entity: Entity, _ measurements: Measurements, _ log: inout CycleLog
    ) throws -> Look {
        try log.run("EXECUTE") { (action, try measurements.look(action, at: entity)) }
    }

    /// What was done in the last hours, and what a person did not want.
    func past(without id: Int64 = 0) throws -> [Past] {
        let ignored: [AgentDecision.State] = [.advised, .pending, .refused, .expired]
        let since = Timestamp.now.advanced(bySeconds: -max(3600, configuration.policy.coolDownAfterFailure))
        let states = AgentDecision.State.allCases.filter { !ignored.contains($0) }
        return try records.decisions(in: states, updatedSince: since).compactMap { row in
            guard row.id != id, let action = try? JSON.value(row.action, as: Action.self) else { return nil }
            // What helped and was taken back all the same, a person did not want.
            let isUnwanted = row.state == .undone && row.note == Self.onRequest
            let verdict = isUnwanted && row.verdict == Verdict.helped.rawValue ? nil : row.verdict
            return Past(time: row.updated, action: action, verdict: verdict.flatMap(Verdict.init))
        }
    }

    // MARK: - State

    /// Says which phase it is in; `nil` between cycles.
    func enter(_ phase: String?) {
        self.phase = phase
        // Whoever looks learns it a little later where this cannot be written.
        try? beat()
    }

    /// Says that it lives.
    public func beat() throws {
        try journal.beat(status(pid: getpid()))
    }

    private func status(pid: Int32) -> AgentStatus {
        AgentStatus(
            pid: pid, mode: configuration.policy.mode.rawValue, started: started, beat: .now, phase: phase,
            catalogue: catalogue)
    }

    /// The last thing that an agent does. What is in flight was not verified: it is taken back.
    public func stop() throws {
        isStopping = true
        // Whatever fails, the rest is taken back.
        let inFlight = Result {
            try undo(
                records.decisions(in: AgentDecision.State.inFlight),
                note: "the agent was stopped before it was verified")
        }
        if configuration.undoesOnStop { try undoAll(note: "the agent stops") }
        try inFlight.get()
        phase = nil
        try journal.beat(status(pid: 0))
        journal.close()
    }
}
