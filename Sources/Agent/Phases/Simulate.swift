import Forecast
import Model

/// One thing that could be done, and what would come of it.
public struct Candidate: Sendable, Hashable, Codable {
    public var action: Action
    public var steps: [Step]
    /// Which cause it is about, and the worst problem that this explains.
    public var cause: ProcessIdentity
    public var problem: Int64
    /// The part of what the cause takes that is taken from it (0–1).
    public var relief: Double
    /// The problem's score at the end of the horizon, as it goes on and with the action.
    public var without: Double
    public var with: Double
    public var confidence: Double

    public var gain: Double { max(0, without - with) }
}

/// An action that is no candidate, and why.
public struct Dismissal: Sendable, Hashable, Codable {
    public var action: String
    public var reason: String
}

/// SIMULATE: where things go with and without each action.
enum Simulate {
    /// How far ahead, in minutes.
    static let horizon = 5.0

    struct Input: Sendable {
        var problems: [Problem]
        var causes: [Cause]
        /// Whom each cause is, with victims and disks, as /proc shows them now.
        var targets: [ProcessIdentity: Target]
        var ground: Ground
        var thresholds: Thresholds
    }

    struct Result: PhaseResult {
        var candidates: [Candidate]
        var dismissed: [Dismissal]

        var message: String {
            let found = candidates.map { candidate in
                "\(candidate.action): score \(candidate.without.short) → \(candidate.with.short)"
            }
            return found.isEmpty ? "no action is a candidate" : found.joined(separator: "; ")
        }
    }

    static func run(_ input: Input) -> Result {
        var candidates: [Candidate] = []
        var dismissed: [Dismissal] = []
        for cause in input.causes {
            guard let target = input.targets[cause.process],
                let problem = input.problems.first(where: { cause.problems.contains($0.id) })
            else { continue }
            let without = score(of: problem, after: horizon, input.thresholds)
            for action in cause.actions(cores: input.ground.cores) {
                do {
                    let steps = try action.steps(for: target, on: input.ground)
                    let relief = action.relief(of: cause, target, input.ground)
                    candidates.append(
                        Candidate(
                            action: action, steps: steps, cause: cause.process, problem: problem.id, relief: relief,
                            without: without, with: without * (1 - cause.share * relief), confidence: cause.confidence))
                } catch {
                    dismissed.append(Dismissal(action: action.description, reason: error.description))
                }
            }
        }
        return Result(candidates: candidates, dismissed: dismissed)
    }

    /// The problem's score carried on by the trend of its leading metric; as it is where that says nothing.
    static func score(of problem: Problem, after minutes: Double, _ thresholds: Thresholds) -> Double {
        guard let leading = LeadingMetric(problem.type), let trend = Trend(problem.course),
            trend.confidence != .low
        else { return problem.score }
        let bands = leading.thresholds(thresholds)
        // No further than twice the time that was measured.
        let reach = min(minutes, Outlook.reach * trend.minutes)
        let change = bands.score(of: trend.value(after: reach)) - bands.score(of: trend.current)
        return min(max(problem.score + change, 0), 1)
    }
}
