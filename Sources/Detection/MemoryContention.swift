import Model

extension Contention {
    static let pageSize = 4096.0
    /// Bytes per second that press by themselves; below, what is held counts more and more.
    static let pressingDemand = 64_000_000.0

    /// Who takes the memory, and who waits for pages.
    ///
    /// Two things make a party take memory: what it holds and what it demands now (fresh pages, and pages read into the
    /// cache for the first time). When the host is nearly full, holding weighs more; when it is not, the pressure comes
    /// from a limit inside a cgroup, where the demand is what presses, as long as there is one; and only who is in the cgroup
    /// of the one that waits longest can be to blame, where it has one of its own.
    ///
    /// Pages that come back are no demand: who reads through major faults what reclaim took from him is a victim.
    static func memory(
        _ tick: Tick, _ parties: Parties, _ thresholds: Thresholds, own: ProcessIdentity?
    ) -> Contention {
        func stall(_ process: ProcessActivity) -> Double {
            let faults = Double(process.faults?.majorLatencyNanoseconds ?? 0)
            let blocked = process.identity == own ? 0 : Double(process.scheduling?.blockedNanoseconds ?? 0)
            return max(faults, blocked) / 1e6 / tick.interval
        }
        let isFull = (tick.host.memory?.usedShare ?? 0) >= thresholds.memoryUsed.medium
        var user = tick.processes.filter { !$0.isKernelThread }
        if !isFull, let cgroup = user.max(by: { stall($0) < stall($1) })?.proc?.cgroup, cgroup != "/" {
            // The limit is the group's: who is outside it takes nothing from those inside.
            user.removeAll { $0.proc.map { $0.cgroup != cgroup } ?? false }
        }
        let candidates = Set(user.map(\.identity))
        let held = parties.heldBytes()
        let resident = user.reduce(0) { $0 + (held[$1.identity] ?? 0) }
        let returning = returningShare(of: tick)
        let demand = user.reduce(0) { $0 + $1.pageDemand(over: tick.interval, returning: returning) }
        let holding = resident == 0 ? 0 : max(isFull ? 0.6 : 0.1, 1 - demand / pressingDemand)
        let suspects = parties.suspects { process in
            guard candidates.contains(process.identity) else { return 0 }
            let held = resident == 0 ? 0 : (held[process.identity] ?? 0) / resident
            let wanted = demand == 0 ? 0 : process.pageDemand(over: tick.interval, returning: returning) / demand
            return holding * held + (1 - holding) * wanted
        }
        let sufferers = parties.sufferers(from: suspects) { process, _ in stall(process) }
        return Contention(
            suspects: suspects, sufferers: sufferers, measure: "memory held and demanded", stall: "waiting for memory",
            stallMetric: "process.blocked")
    }

    /// The share of all that is read in the tick that had been in memory before and was evicted (0–1).
    static func returningShare(of tick: Tick) -> Double {
        let read = tick.processes.reduce(0) { $0 + $1.pagesRead(over: tick.interval) }
        return read == 0 ? 0 : min(1, (tick.host.vm?.refaultsPerSecond ?? 0) * pageSize / read)
    }
}

extension Parties {
    /// Resident bytes of each process that has any. What the processes of a party share, such as a database's buffers, is there
    /// once, as much as the one has that has most of it: each is given its part.
    fileprivate func heldBytes() -> [ProcessIdentity: Double] {
        var held: [ProcessIdentity: Double] = [:]
        for positions in members {
            let readings = positions.compactMap { position in
                processes[position].proc.map { (identity: processes[position].identity, proc: $0) }
            }
            let shared = readings.map { Double($0.proc.sharedBytes) }
            let sum = shared.reduce(0, +)
            let once = sum > 0 ? (shared.max() ?? 0) / sum : 0
            for (reading, shared) in zip(readings, shared) {
                held[reading.identity] = Double(reading.proc.residentBytes) - shared + shared * once
            }
        }
        return held
    }
}

extension ProcessActivity {
    /// Bytes per second read from a device.
    fileprivate func pagesRead(over interval: Double) -> Double {
        max(Double(blockIO?.readBytes ?? 0) / interval, proc?.readBytesPerSecond ?? 0)
    }

    /// Bytes per second of pages that were not there before: faulted in fresh, or read from a device. `returning` is the
    /// share of all reading that brings back what was evicted; it is taken off who reads through major faults.
    func pageDemand(over interval: Double, returning: Double) -> Double {
        let fresh = faults.map { Double($0.minor) / interval } ?? proc?.minorFaultsPerSecond ?? 0
        let majors = faults.map { Double($0.major) } ?? proc?.majorFaultsPerSecond ?? 0
        return fresh * Contention.pageSize + pagesRead(over: interval) * (majors > 0 ? 1 - returning : 1)
    }
}
