import Forecast
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
    /// The name under which it is learned how long processes usually are held up.
    var stallMetric: String

    var culprits: [Culprit] { suspects.map { $0.culprit(measure: measure) } }
    var victims: [Victim] { sufferers.map { $0.victim(stall: stall) } }

    /// How badly the worst victim fares beyond what it is used to, or `nil` if nobody suffers.
    func suffering(_ bands: Bands) -> Grade? {
        guard let worst = sufferers.first, worst.excess >= bands.low else { return nil }
        return bands.grade(of: worst.excess).blamed(suspects.isEmpty ? .unknown : .outside)
    }

    /// With what each sufferer is used to; who is worst off beyond that comes first. Only up to `most`: whoever does nothing but
    /// wait for its disk all day is used to it, and suffers all the same when the disk takes longer.
    func knowing(_ usual: [String: Baseline.Usual], most: Double) -> Contention {
        var known = self
        for index in sufferers.indices {
            let name = "\(stallMetric):\(sufferers[index].process.comm)"
            known.sufferers[index].usual = (usual[name]?.profile.p95).map { min($0, most) }
        }
        if known.sufferers.contains(where: { $0.usual != nil }) {
            known.sufferers.sort { ($1.excess, $0.process.identity.pid) < ($0.excess, $1.process.identity.pid) }
        }
        return known
    }

    /// How a process that is held up stands to those who cause it.
    enum Relation { case outside, own, unknown }

    func relation(of process: ProcessActivity, in parties: Parties) -> Relation {
        guard !suspects.isEmpty, let position = parties.position(of: process.identity) else { return .unknown }
        return suspects.contains { parties.isRelated(position, to: $0) } ? .own : .outside
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
