import Model

/// How the CPUs were shared in one tick.
struct CPUUse: Sendable {
    private let interval: Double
    /// Cores that each party used, by position.
    private let parties: [Double]
    /// Parties that wanted a twentieth of a core or more, and what each would get if they got the same.
    private let competing: Int
    private let fairShare: Double

    init(_ tick: Tick, _ grouped: Parties) {
        var used = Array(repeating: 0.0, count: grouped.members.count)
        var competing = 0
        for (party, positions) in grouped.members.enumerated() {
            var waited = 0.0
            for process in positions.lazy.map({ grouped.processes[$0] }) where !process.isKernelThread {
                used[party] += process.coresUsed(over: tick.interval)
                waited += Double(process.scheduling?.waitNanoseconds ?? 0) / 1e9 / tick.interval
            }
            if used[party] + waited >= 0.05 { competing += 1 }
        }
        interval = tick.interval
        parties = used
        self.competing = competing
        fairShare = Double(max(tick.cores, 1)) / Double(max(competing, 1))
    }

    /// Whether at least half of all CPU time goes to a party's own job tree: then nobody else is to blame for what it waits.
    func goesToKin(of party: Int, in grouped: Parties) -> Bool {
        let all = parties.reduce(0, +)
        let kin = parties.indices.reduce(0.0) { $0 + (grouped.areKin($1, party) ? parties[$1] : 0) }
        return all > 0 && kin >= 0.5 * all
    }

    /// Cores beyond the fair share; all of them for a party that competes with nobody.
    func excess(_ cores: Double) -> Double { competing <= 1 ? cores : cores - fairShare }

    /// Milliseconds per second that a process waits for a CPU although it wants little; 0 for one that takes all it can get.
    ///
    /// What tells them apart: who wants little gets less than a fair share and yet waits, and sleeps by itself in between;
    /// who wants much is put off the CPU against its will. Many waits that are each too short to notice do not count.
    func starvation(of process: ProcessActivity, in party: Int) -> Double {
        guard let scheduling = process.scheduling, scheduling.waitNanoseconds > 0 else { return 0 }
        let wantsLittle =
            parties[party] <= fairShare / 2 && scheduling.waitNanoseconds >= scheduling.cpuNanoseconds
            && 4 * scheduling.voluntarySwitches >= scheduling.involuntarySwitches
        let isNoticeable =
            scheduling.waitNanoseconds / max(scheduling.waits, 1) >= 500_000
            || scheduling.longestWaitNanoseconds >= 5_000_000
        return wantsLittle && isNoticeable ? Double(scheduling.waitNanoseconds) / 1e6 / interval : 0
    }
}

extension Contention {
    /// Who takes the CPUs beyond a fair share, and who waits for one although it wants little.
    static func cpu(_ tick: Tick, _ parties: Parties, _ use: CPUUse) -> Contention {
        let suspects = parties.suspects(least: 0.2) {
            $0.coresUsed(over: tick.interval)
        } weight: {
            use.excess($0)
        }
        var sufferers = parties.sufferers(from: suspects, stall: use.starvation)
        if suspects.isEmpty {
            // The jobs of a build are too many for any to stand out, and each waits for the others.
            sufferers.removeAll { sufferer in
                parties.position(of: sufferer.process.identity).map {
                    use.goesToKin(of: parties.party[$0], in: parties)
                }
                    ?? false
            }
        }
        return Contention(suspects: suspects, sufferers: sufferers, measure: "CPU time", stall: "run-queue wait")
    }
}

extension ProcessActivity {
    /// Mean cores in use over the tick.
    func coresUsed(over interval: Double) -> Double {
        if let scheduling { return Double(scheduling.cpuNanoseconds) / 1e9 / interval }
        return proc?.cpuShare ?? 0
    }
}
