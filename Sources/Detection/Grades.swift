import Model

extension Bands {
    /// The grade of a value; below `low` it is low with a score under 0.25.
    func grade(of value: Double) -> Grade { Grade(severity: severity(of: value) ?? .low, score: score(of: value)) }
}

extension Grade {
    /// Scores start at this for each severity, as `Bands.score` gives them.
    private static func floor(of severity: Severity) -> Double { 0.25 * Double(severity.rawValue) }

    /// The same, but no more than a severity: the score stays below the next one's.
    func capped(at limit: Severity) -> Grade {
        guard severity > limit else { return self }
        return Grade(severity: limit, score: min(score, Self.floor(of: limit) + 0.24))
    }

    /// The smaller of two: what is bad only if both are.
    func limited(by other: Grade) -> Grade { other < self ? other : self }

    /// One class lower, for what is measured but cannot be pinned on anybody.
    var lowered: Grade {
        guard let below = Severity(rawValue: severity.rawValue - 1) else { return self }
        return Grade(severity: below, score: score - 0.25)
    }

    /// Above low, somebody suffers: without a victim a symptom is at most low, and with one it is as bad as the victim's
    /// stall at most.
    func suffered(_ victims: Grade?) -> Grade { victims.map(limited(by:)) ?? capped(at: .low) }

    static func < (left: Grade, right: Grade) -> Bool {
        (left.severity, left.score) < (right.severity, right.score)
    }
}
