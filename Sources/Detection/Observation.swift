import Model

/// What one rule found out about one entity in one tick.
struct Observation: Sendable {
    var key: Episode.Key
    var grade: Grade
    /// The measure as a multiple of the threshold that opens an episode: from 1 on it holds, and an episode that is open
    /// holds down to `Hysteresis.release`.
    var strength: Double
    var finding: Finding
    /// Whether one tick is proof enough, as when the kernel killed a process.
    var opensAtOnce = false
}

/// What a rule says about a tick.
struct Verdict: Sendable {
    var observations: [Observation] = []
    /// Why the rule cannot tell; what it did not observe is then unknown and not gone.
    var blindness: String?
    /// The labels that the blindness is about; empty means all.
    var blindLabels: Set<String> = []

    /// Why nobody can tell how much processes suffer. That the condition is gone is seen all the same; that it harms nobody is not.
    var blindToVictims: String?

    static func cannotTell(_ reason: String) -> Verdict { Verdict(blindness: reason) }

    func isBlind(to label: String) -> Bool {
        blindness != nil && (blindLabels.isEmpty || blindLabels.contains(label))
    }

}

/// How one type of signal is found. A rule may keep small, bounded state between ticks.
protocol Rule: Sendable {
    static var type: SignalType { get }
    mutating func evaluate(_ situation: Situation) -> Verdict
}
