import Model

/// How the CPUs were shared in one tick.
struct CPUUse: Sendable {
    private let interval: Double
    private let cores: Int
    /// Cores that each party used, and that what each process has started outside its party used, by position.
    private let parties: [Double]
    private let below: [Double]
    private let grouped: Parties
    /// Processes that slept by themselves not long ago.
    private let sleepers: Sleepers
    /// Parties that wanted a twentieth of a core or more.
    private let competing: Int
    /// What each would get of the cores if all got the same. Who wants a core for a tenth of the time is a tenth of a
    /// competitor, so that many short processes are not many; but two are two.
    private let fairShare: Double

    init(_ tick: Tick, _ grouped: Parties, _ sleepers: Sleepers) {
        var used = Array(repeating: 0.0, count: grouped.members.count)
        var competing = 0
        var competitors = 0.0
        for (party, positions) in grouped.members.enumerated() {
            var waited = 0.0
            for process in positions.lazy.map({ grouped.processes[$0] }) where !process.isKernelThread {
                used[party] += process.coresUsed(over: tick.interval)
                waited += Double(process.scheduling?.waitNanoseconds ?? 0) / 1e9 / tick.interval
            }
            if used[party] + waited >= 0.05 { competing += 1 }
            competitors += min(used[party] + waited, 1)
        }
        interval = tick.interval
        cores = max(tick.cores, 1)
        parties = used
        below = grouped.belowEach(used)
        self.grouped = grouped
        self.sleepers = sleepers
        self.competing = competing
        fairShare = Double(cores) / max(competitors, Double(min(competing, 2)), 1)
    }

    /// Whether a process waits for its own job tree: at least half of all CPU time goes there, and no suspect stands alone
    /// outside of it.
    /// - Parameter siblings: whether the other jobs of the same parent are in that tree.
    func waitsForKin(_ position: Int, siblings: Bool, _ suspects: [Suspect]) -> Bool {
        let isKin = grouped.kinship(of: position, siblings: siblings)
        guard suspects.allSatisfy({ $0.parties.count > 1 || $0.parties.contains(where: isKin) }) else { return false }
        let all = parties.reduce(0, +)
        let kin = parties.indices.reduce(0.0) { $0 + (isKin($1) ? parties[$1] : 0) }
        return all > 0 && kin >= 0.5 * all
    }

    /// The suspects with their shares of the CPU time, whatever they were found by.
    func sharing(_ suspects: [Suspect]) -> [Suspect] {
        let all = parties.reduce(0, +)
        return suspects.map { suspect in
            var known = suspect
            known.share = all > 0 ? suspect.parties.reduce(0) { $0 + parties[$1] } / all : 0
            return known
        }
    }

    /// Cores beyond the fair share; all of them for a party that competes with nobody.
    func excess(_ cores: Double) -> Double { competing <= 1 ? cores : cores - fairShare }

    /// Milliseconds per second that a process waits for a CPU although it wants little; 0 for one that takes all it can get.
    ///
    /// What tells them apart: who wants little gets less than a fair share, its children included, and yet waits, and sleeps
    /// by itself in between; who wants much is put off the CPU against its will. One that gets so little that it never
    /// catches up sleeps no more: it is known by having slept before. Many waits that are each too short to notice do not
    /// count, and who asked to come last waits as it wished. Of threads that wait side by side no more than there are CPUs
    /// could have run: a hundred that are woken, or ended, at once wait in a row for moments that nobody feels.
    func starvation(of process: ProcessActivity, at position: Int) -> Double {
        guard let scheduling = process.scheduling, scheduling.waitNanoseconds > 0, !process.comesLast else { return 0 }
        let wantsLittle =
            parties[grouped.party[position]] + below[position] <= fairShare / 2
            && scheduling.waitNanoseconds >= scheduling.cpuNanoseconds
            && (scheduling.sleepsByItself || sleepers.contains(process.identity))
        let isNoticeable =
            scheduling.waitNanoseconds / max(scheduling.waits, 1) >= 500_000
            || scheduling.longestWaitNanoseconds ?? 0 >= 5_000_000
        guard wantsLittle, isNoticeable else { return 0 }
        let most = scheduling.mostWaitedNanoseconds.map { Double($0) * Double(cores) } ?? .infinity
        return min(Double(scheduling.waitNanoseconds), most) / 1e6 / interval
    }
}

extension Contention {
    /// Seconds that a job of a build tool lives, if it wants little; what was started beside it and is older is another
    /// program.
    private static let jobAge = 5.0

    /// Who takes the CPUs beyond a fair share, and who waits for one although it wants little.
    static func cpu(_ tick: Tick, _ parties: Parties, _ use: CPUUse) -> Contention {
        var suspects = parties.suspects(least: 0.2) {
            $0.coresUsed(over: tick.interval)
        } weight: {
            use.excess($0)
        }
        let sufferers = parties.sufferers(from: suspects, stall: use.starvation) { position in
            // The jobs of a build wait for each other.
            let age = tick.age(of: parties.processes[position].identity)
            return use.waitsForKin(position, siblings: age < jobAge, suspects)
        }
        if suspects.isEmpty {
            // Nobody takes more than a fair share of all CPUs, but the ones that tasks are pinned to may be one party's.
            suspects = use.sharing(
                holders(of: sufferers.map(\.process), among: sufferers, tick, parties) ?? [])
        }
        return Contention(
            suspects: suspects, sufferers: sufferers, measure: "CPU time", stall: "run-queue wait",
            stallMetric: "process.runq_wait")
    }
}

extension ProcessActivity.Scheduling {
    /// Whether it leaves the CPU of its own accord at least a fifth of the times.
    var sleepsByItself: Bool { 4 * voluntarySwitches >= involuntarySwitches }
}

extension Tick {
    /// Seconds since a process was started.
    fileprivate func age(of process: ProcessIdentity) -> Double { uptime - Double(process.startTicks) / 100 }
}

extension ProcessActivity {
    /// Mean cores in use over the tick.
    func coresUsed(over interval: Double) -> Double {
        if let scheduling { return Double(scheduling.cpuNanoseconds) / 1e9 / interval }
        return proc?.cpuShare ?? 0
    }
}
