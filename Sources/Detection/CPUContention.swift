import Model

extension Contention {
    /// Who takes the CPUs beyond a fair share, and who waits for one although it wants little.
    static func cpu(_ tick: Tick, _ parties: Parties) -> Contention {
        let cores = Double(max(tick.cores, 1))
        func used(_ process: ProcessActivity) -> Double { process.coresUsed(over: tick.interval) }
        // Whoever wants a twentieth of a core or more competes for it.
        let competing = parties.members.count { positions in
            positions.reduce(0) {
                let process = parties.processes[$1]
                let wait = process.isKernelThread ? 0 : Double(process.scheduling?.waitNanoseconds ?? 0)
                return $0 + (process.isKernelThread ? 0 : used(process)) + wait / 1e9 / tick.interval
            } >= 0.05
        }
        let fair = cores / Double(max(competing, 1))
        let suspects = parties.suspects(least: 0.2, measure: used) { competing == 1 ? $0 : $0 - fair }
        let sufferers = parties.sufferers(from: suspects) { $0.starvation(over: tick.interval) }
        return Contention(suspects: suspects, sufferers: sufferers, measure: "CPU time", stall: "run-queue wait")
    }
}

extension ProcessActivity {
    /// Mean cores in use over the tick.
    func coresUsed(over interval: Double) -> Double {
        if let scheduling { return Double(scheduling.cpuNanoseconds) / 1e9 / interval }
        return proc?.cpuShare ?? 0
    }

    /// Milliseconds per second that a task which wants little CPU waits for it; 0 for one that would take all it can get.
    ///
    /// What tells them apart: a task that wants little sleeps by itself and waits after waking up; one that wants much is
    /// put off the CPU against its will. Waits of many threads that are each too short to notice do not count.
    func starvation(over interval: Double) -> Double {
        guard let scheduling, scheduling.waits > 0 else { return 0 }
        let wantsLittle =
            scheduling.waitNanoseconds >= 2 * scheduling.cpuNanoseconds
            && scheduling.voluntarySwitches >= scheduling.involuntarySwitches
        let noticeable =
            scheduling.waitNanoseconds / scheduling.waits >= 500_000 || scheduling.longestWaitNanoseconds >= 5_000_000
        return wantsLittle && noticeable ? Double(scheduling.waitNanoseconds) / 1e6 / interval : 0
    }
}
