import Model

/// Who had the CPUs that processes waited for.
///
/// The events tell it, but only of waits that are long enough to be one. Of shorter waits each process has a sample: who had the
/// CPU until the longest one ended.
extension Contention {
    /// `nil` when the waits are not known well enough: those behind a relative, another victim, or somebody who ran there only
    /// for a moment say nothing. On many cores this tells more than who uses most CPU somewhere else. Nobody, when the CPUs
    /// were idle: a quota holds them back.
    ///
    /// Samples count only of processes that may run on few CPUs: who may run everywhere waits for whoever takes most of them, in
    /// whatever order they come.
    /// - Parameter victims: whoever waits in this tick; who wants little holds nobody up.
    static func holders(
        of waiting: [ProcessActivity], among victims: [Sufferer], _ tick: Tick, _ parties: Parties
    ) -> [Suspect]? {
        let own = waiting.compactMap { parties.position(of: $0.identity) }
            .map { parties.kinship(of: $0, siblings: false) }
        let innocent = Set(victims.map(\.process.identity))
        func mayHold(_ identity: ProcessIdentity, least: Double) -> Bool {
            guard let position = parties.position(of: identity), !innocent.contains(identity) else { return false }
            let party = parties.party[position]
            return parties.coresUsed(by: party, over: tick.interval) >= least
                && !own.contains { isKin in isKin(party) }
        }
        var found = HeldWaits(events: tick.scheduler?.events ?? [], of: waiting) { mayHold($0, least: 0.1) }
        if !found.isEnough {
            // One sample may well be of somebody who came by.
            found = HeldWaits(
                samplesOf: waiting.filter { $0.isPinned(among: tick.cores) }, all: waiting, parties
            ) { mayHold($0, least: 0.5) }
        }
        guard found.isEnough else { return nil }
        if found.idle >= 0.5 * found.covered { return [] }
        let suspects = parties.suspects { found.waits[$0.identity] ?? 0 }
        return suspects.isEmpty ? nil : suspects
    }

    /// This contention as its worst victim meets it. One that may run on few CPUs waits for who has those, whoever takes most of the
    /// others.
    func metByWorst(_ tick: Tick, _ parties: Parties, _ use: CPUUse) -> Contention {
        guard let worst = sufferers.first?.process, worst.isPinned(among: tick.cores),
            let holders = Self.holders(of: [worst], among: sufferers, tick, parties), !holders.isEmpty,
            holders.allSatisfy({ holder in suspects.allSatisfy { $0.parties.isDisjoint(with: holder.parties) } })
        else { return self }
        var met = self
        met.suspects = use.sharing(holders)
        met.sufferers = sufferers.filter { met.relation(of: $0.process, in: parties) != .own }
        return met
    }
}

/// Nanoseconds that processes waited, by who had the CPU meanwhile.
private struct HeldWaits {
    private(set) var waits: [ProcessIdentity: Double] = [:]
    private(set) var covered = 0.0
    private(set) var idle = 0.0
    private let all: Double

    /// Whether what is known speaks for all waits.
    var isEnough: Bool { covered > 0 && covered >= 0.3 * all }

    private init(_ waiting: [ProcessActivity]) {
        all = waiting.reduce(0) { $0 + Double($1.scheduling?.waitNanoseconds ?? 0) }
    }

    init(events: [SchedulerEvent], of waiting: [ProcessActivity], where counts: (ProcessIdentity) -> Bool) {
        self.init(waiting)
        let identities = Set(waiting.map(\.identity))
        for event in events where identities.contains(event.task.process) {
            add(Double(event.waitNanoseconds), pid: event.previous.pid, event.previous, counts)
        }
    }

    /// A process's longest wait stands for all of them.
    init(
        samplesOf sampled: [ProcessActivity], all waiting: [ProcessActivity], _ parties: Parties,
        where counts: (ProcessIdentity) -> Bool
    ) {
        self.init(waiting)
        for process in sampled {
            guard let scheduling = process.scheduling, let pid = scheduling.longestWaitBehind else { continue }
            add(Double(scheduling.waitNanoseconds), pid: pid, parties.process(pid)?.identity, counts)
        }
    }

    private mutating func add(
        _ nanoseconds: Double, pid: Int32, _ holder: ProcessIdentity?, _ counts: (ProcessIdentity) -> Bool
    ) {
        if pid == 0 {
            idle += nanoseconds
            covered += nanoseconds
        } else if let holder, counts(holder) {
            waits[holder, default: 0] += nanoseconds
            covered += nanoseconds
        }
    }
}

extension ProcessActivity {
    /// Whether the thread that waited longest may run on half of the CPUs at most: of what a set of nearly all holds, the host
    /// tells as much.
    func isPinned(among cores: Int) -> Bool { (scheduling?.allowedCPUs).map { 2 * $0 <= cores } ?? false }
}

extension Parties {
    fileprivate func coresUsed(by party: Int, over interval: Double) -> Double {
        members[party].reduce(0) { $0 + processes[$1].coresUsed(over: interval) }
    }
}
