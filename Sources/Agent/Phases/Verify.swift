import Model

/// Whether an action did what it was for.
public enum Verdict: String, Sendable, Codable, CaseIterable {
    case helped
    case noEffect = "no_effect"
    case worse
    /// The data do not tell.
    case unknown

    public var name: String { rawValue.replacing("_", with: " ") }
}

/// How the signal and its victims fare in a stretch of time: the same for before and after.
public struct Measurement: Sendable, Hashable, Codable {
    /// Mean stall of each victim in milliseconds per second; those that have ended are left out.
    public var stalls: [String: Double] = [:]
    /// Whether the signal's rule held above low in this stretch.
    public var holds: Bool
    public var severity: Severity
    /// Mean of the leading metric of the signal's type; `nil` where there is none.
    public var metric: Double?
    /// Why this says nothing; `nil` where every second of the stretch was measured, by a clock that was not set.
    public var gap: String?

    /// The worst of those that are in another measurement, too.
    func worst(among other: Measurement) -> Double? { stalls.filter { other.stalls[$0.key] != nil }.values.max() }
}

/// What VERIFY says.
public struct Judgement: PhaseResult {
    public var verdict: Verdict
    public var reason: String

    init(_ verdict: Verdict, _ reason: String) {
        self.verdict = verdict
        self.reason = reason
    }

    var message: String { "\(verdict.name): \(reason)" }
}

/// VERIFY: the same measurement before the action and after its settling window.
enum Verify {
    /// A stall has to fall to this part of what it was, or grow to that, to say anything.
    static let falls = 0.5
    static let grows = 1.25
    /// Changes of fewer milliseconds per second than this are noise.
    static let noise = 20.0

    struct Input: Sendable, Codable {
        var before: Measurement
        var after: Measurement
    }

    static func run(_ input: Input) -> Judgement {
        let (before, after) = (input.before, input.after)
        if let gap = before.gap { return Judgement(.unknown, "before it \(gap)") }
        if let gap = after.gap { return Judgement(.unknown, "after it \(gap)") }
        if !before.stalls.isEmpty {
            // A victim that ended cannot say that it is well.
            guard let old = before.worst(among: after), let new = after.worst(among: before) else {
                return Judgement(.unknown, "the victims have ended")
            }
            let account = "the worst victim waited \(Int(old)) ms/s before and \(Int(new)) ms/s after"
            if new >= grows * old, new - old >= noise { return Judgement(.worse, account) }
            if after.severity > before.severity, after.holds {
                return Judgement(.worse, "the signal is \(after.severity.name) now")
            }
            if new <= falls * old, old - new >= noise || !after.holds { return Judgement(.helped, account) }
            return Judgement(.noEffect, account)
        }
        if after.holds, after.severity > before.severity {
            return Judgement(.worse, "the signal is \(after.severity.name) now")
        }
        if !after.holds { return Judgement(.helped, "the signal's rule does not hold any more") }
        guard let old = before.metric, let new = after.metric, old > 0 else {
            return Judgement(.noEffect, "the signal goes on")
        }
        let account = "the measure was \(old) before and is \(new)"
        return Judgement(new <= falls * old ? .helped : new >= grows * old ? .worse : .noEffect, account)
    }
}
