import Model

/// What DECIDE chose, and why not the others.
public struct Decision: PhaseResult {
    public var chosen: Candidate?
    /// Why this one, or why none.
    public var reason: String
    public var lost: [Dismissal]

    var message: String { chosen.map { "\($0.action): \(reason)" } ?? "nothing: \(reason)" }
}

/// DECIDE: the action with the largest expected gain beyond its price, among those that the policy allows; or none.
enum Decide {
    struct Input: Sendable {
        var candidates: [Candidate]
        var dismissed: [Dismissal]
        var targets: [ProcessIdentity: Target]
        var policy: Policy
        var past: [Past]
        var now: Timestamp
    }

    /// The least gain that is worth an action.
    static let leastUtility = 0.05

    static func run(_ input: Input) -> Decision {
        var lost = input.dismissed
        var allowed: [Candidate] = []
        for candidate in input.candidates {
            let refusal = input.policy.refusal(
                candidate.action, confidence: candidate.confidence, on: input.targets[candidate.cause], input.past,
                now: input.now)
            if let refusal {
                lost.append(Dismissal(action: candidate.action.description, reason: refusal.description))
            } else {
                allowed.append(candidate)
            }
        }
        let ranked = allowed.enumerated().sorted {
            ($1.element.utility, $0.offset) < ($0.element.utility, $1.offset)
        }.map(\.element)
        guard let best = ranked.first, best.utility >= leastUtility else {
            lost += ranked.map {
                Dismissal(action: $0.action.description, reason: "its gain is not worth it: \($0.account)")
            }
            return Decision(chosen: nil, reason: "nothing helps more than it costs", lost: lost)
        }
        lost += ranked.dropFirst().map {
            Dismissal(action: $0.action.description, reason: "it promises less: \($0.account)")
        }
        return Decision(chosen: best, reason: best.account, lost: lost)
    }
}

extension Candidate {
    /// What is expected of it: confidence × gain, less what it may break.
    var utility: Double { confidence * gain - action.kind.price }

    /// The sum in words.
    var account: String {
        "score \(without.short) → \(with.short) at confidence \(confidence.short), price \(action.kind.price.short)"
    }
}

extension ActionKind {
    /// What an action costs whom it is about, on the scale of scores: by risk, and more where the whole host is touched or there
    /// is no way back.
    var price: Double {
        let byRisk: Double =
            switch risk {
            case .none: 0
            case .low: 0.02
            case .medium: 0.15
            case .high: 0.4
            }
        return byRisk + (blastRadius == .host ? 0.05 : 0) + (isReversible ? 0 : 0.2)
    }
}
