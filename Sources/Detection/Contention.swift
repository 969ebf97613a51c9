import Model

/// Who takes something that all share, and who is held up by it, in one tick.
struct Contention: Sendable {
    /// Most first; empty when nobody stands out.
    var suspects: [Suspect]
    /// Processes outside the suspects' parties, worst first.
    var sufferers: [Sufferer]
    /// What the suspects' shares are of, and what the sufferers' stalls are: `CPU time`, `run-queue wait`.
    var measure: String
    var stall: String

    var culprits: [Culprit] { suspects.map { $0.culprit(measure: measure) } }
    var victims: [Victim] { sufferers.map { $0.victim(stall: stall) } }

    /// How badly the worst victim fares, or `nil` if nobody suffers.
    func suffering(_ bands: Bands) -> Grade? {
        sufferers.first.flatMap { $0.stall >= bands.low ? bands.grade(of: $0.stall) : nil }
    }

    /// How a process that is held up stands to those who cause it.
    enum Relation { case outside, own, unknown }

    func relation(of process: ProcessActivity, in parties: Parties) -> Relation {
        guard !suspects.isEmpty, let position = parties.position(of: process.identity) else { return .unknown }
        return suspects.contains { parties.related($0.party, parties.party[position]) } ? .own : .outside
    }
}

extension Grade {
    /// What a stall of one process is worth: what it does to itself is at most low, and what cannot be pinned on anybody
    /// counts one class less.
    func blamed(_ relation: Contention.Relation) -> Grade {
        switch relation {
        case .outside: self
        case .own: capped(at: .low)
        case .unknown: lowered
        }
    }
}
