import Forecast
import Model

/// Something that is wrong now: an open signal above low, with what the agent needs of it.
public struct Problem: Sendable, Hashable, Codable, Identifiable {
    public var id: Int64
    public var type: SignalType
    public var label: String
    public var entity: Entity
    public var severity: Severity
    public var score: Double
    public var opened: Timestamp
    public var lastSeen: Timestamp
    public var summary: String
    public var culprits: [Culprit]
    public var victims: [Victim]
    /// The leading metric of its type over the last minutes, oldest first; empty where there is none.
    public var course: [Trend.Point]
}

/// A party that the agent itself holds back: a change stands that it made.
public struct Hold: Sendable, Hashable, Codable {
    public var action: String
    public var processes: Set<ProcessIdentity>
}

/// OBSERVE: what is wrong now.
enum Observe {
    /// A signal whose rule has not held for this long is on its way to close.
    static let current = 5.0
    /// Signals that a cycle looks at; the worst, as hundreds may be open.
    static let most = 20

    /// What was read for a cycle.
    struct Input: Sendable, Codable {
        /// Signals that are open or whose data went away.
        var signals: [Signal]
        /// The newest measurement in the store.
        var lastTick: Timestamp
        /// Seconds since then; cycles from before this was written down have none.
        var age: Double?
        /// How old it may be for anything to be concluded from it.
        var oldest: Double?
        var holds: [Hold] = []

        struct Signal: Sendable, Codable {
            var problem: Problem
            /// Not while its data are away.
            var isOpen: Bool
        }
    }

    struct Result: PhaseResult {
        /// Worst first; of equals the older.
        var problems: [Problem]
        var holds: [Hold] = []
        /// Why nobody can tell what is wrong.
        var gap: String?

        var message: String {
            problems.isEmpty
                ? gap ?? "nothing above low is open"
                : problems.map { "\($0.label) is \($0.severity.name): \($0.summary)" }.joined(separator: "; ")
        }
    }

    static func run(_ input: Input) -> Result {
        if let age = input.age, let oldest = input.oldest, age > oldest {
            return Result(
                problems: [], holds: input.holds,
                gap: "the newest measurement is \(Int(age)) s old: see whether kernelsight-collector runs")
        }
        let held = input.holds.reduce(into: Set<ProcessIdentity>()) { $0.formUnion($1.processes) }
        let problems = input.signals.filter { signal in
            signal.isOpen && signal.problem.severity > .low
                && input.lastTick.seconds(since: signal.problem.lastSeen) <= current
        }
        .compactMap { sufferedByOthers($0.problem, than: held) }
        .sorted { ($1.severity, $1.score, $0.id) < ($0.severity, $0.score, $1.id) }
        return Result(problems: Array(problems.prefix(most)), holds: input.holds)
    }

    /// Whoever is held back has to wait: to mend that would be to punish those whom it was done for. `nil` where nobody else
    /// suffers.
    private static func sufferedByOthers(_ problem: Problem, than held: Set<ProcessIdentity>) -> Problem? {
        var problem = problem
        let suffered = !problem.victims.isEmpty
        problem.victims.removeAll { held.contains($0.process) }
        return suffered && problem.victims.isEmpty ? nil : problem
    }
}
