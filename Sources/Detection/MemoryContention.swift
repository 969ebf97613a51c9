import Model

extension Contention {
    static let pageSize = 4096.0
    /// Bytes per second that press by themselves; below, what is held counts more and more.
    static let pressingDemand = 64_000_000.0

    /// Bytes of a party below which what it holds would help nobody.
    static let leastHeld = 16_000_000.0

    /// Below this many bytes per second nobody is to blame for what the page cache takes.
    static let leastCacheUse = 16_000_000.0

    static let cacheMeasure = "bytes read through the page cache"

    /// Who takes the memory, and who waits for pages.
    ///
    /// Two things make a party take memory: what it holds and what it demands now (fresh pages, and pages read into the
    /// cache for the first time). When the host is nearly full, holding weighs more; when it is not, the pressure comes
    /// from a limit inside a cgroup, where the demand is what presses, as long as there is one; and only who is in the cgroup
    /// of the one that waits longest can be to blame, where it has one of its own.
    ///
    /// Pages that come back are no demand: who reads through major faults what reclaim took from him is a victim.
    ///
    /// Page cache is held by nobody in particular. Where nobody has much memory of his own and nobody demands much, it is
    /// what all the memory is, and belongs to those that read most through it.
    static func memory(
        _ tick: Tick, _ parties: Parties, _ thresholds: Thresholds, own: ProcessIdentity?
    ) -> Contention {
        func milliseconds(_ nanoseconds: UInt64?) -> Double { Double(nanoseconds ?? 0) / 1e6 / tick.interval }
        func memoryStall(_ process: ProcessActivity) -> Double {
            milliseconds(process.scheduling?.memoryStallNanoseconds)
        }
        func paging(_ process: ProcessActivity) -> Double {
            max(milliseconds(process.faults?.majorLatencyNanoseconds), memoryStall(process))
        }
        func stall(_ process: ProcessActivity) -> Double {
            let blocked = process.identity == own ? 0 : milliseconds(process.scheduling?.blockedNanoseconds)
            return max(paging(process), blocked)
        }
        let isFull = (tick.host.memory?.usedShare ?? 0) >= thresholds.memoryUsed.medium
        var user = tick.processes.filter { !$0.isKernelThread }
        // Who is blocked may wait for something else: that decides only among those that wait for no pages.
        let worst = user.max { (paging($0), stall($0)) < (paging($1), stall($1)) }
        if !isFull, let cgroup = worst?.proc?.cgroup, cgroup != "/" {
            // The limit is the group's: who is outside it takes nothing from those inside.
            user.removeAll { $0.proc.map { $0.cgroup != cgroup } ?? false }
        }
        let candidates = Set(user.map(\.identity))
        let resident = parties.heldBytes { _ in 0 }
        let isSwapping = tick.host.vm?.swapInPerSecond ?? 0 > 0
        let held = isSwapping ? parties.heldBytes { $0.wantedFromSwap(over: tick.interval) } : resident
        let returning = returningShare(of: tick)
        let demand = user.reduce(0) { $0 + $1.pageDemand(over: tick.interval, returning: returning) }
        let holding = resident.isEmpty ? 0 : max(isFull ? 0.6 : 0.1, 1 - demand / pressingDemand)
        let isCache =
            !resident.isEmpty && demand < pressingDemand
            && !parties.anyHolds(leastHeld, of: held, among: candidates)
        func suspects(holdingThese held: [ProcessIdentity: Double]) -> [Suspect] {
            let all = isCache ? 0 : user.reduce(0) { $0 + (held[$1.identity] ?? 0) }
            return parties.suspects(beside: isCache ? holding : 0) { process in
                guard candidates.contains(process.identity) else { return 0 }
                let held = all == 0 ? 0 : (held[process.identity] ?? 0) / all
                let wanted = demand == 0 ? 0 : process.pageDemand(over: tick.interval, returning: returning) / demand
                return holding * held + (1 - holding) * wanted
            }
        }
        var measure = "memory held and demanded"
        var found = suspects(holdingThese: resident)
        // Once all thrash, each has about as much in memory as the others; swap shows whose working set is too large.
        if found.count != 1, isSwapping { found = suspects(holdingThese: held) }
        if found.isEmpty, isCache {
            measure = cacheMeasure
            found = parties.suspects(least: leastCacheUse) { process in
                candidates.contains(process.identity)
                    ? process.cacheUse(over: tick.interval, returning: returning) : 0
            }
        }
        // Nor does that one lack memory, unless the kernel says so: the limit may be one above both.
        let sufferers = parties.sufferers(from: found) { process, _ in
            candidates.contains(process.identity) ? stall(process) : memoryStall(process)
        }
        return Contention(
            suspects: found, sufferers: sufferers, measure: measure, stall: "waiting for memory",
            stallMetric: "process.blocked")
    }

    /// The share of all that is read in the tick that had been in memory before and was evicted (0–1).
    static func returningShare(of tick: Tick) -> Double {
        let read = bytesRead(in: tick)
        return read == 0 ? 0 : min(1, (tick.host.vm?.returnsPerSecond ?? 0) * pageSize / read)
    }

    /// Bytes per second. What a kernel thread submits is what somebody else reads, as at a cgroup's limit on bytes.
    static func bytesRead(in tick: Tick) -> Double {
        tick.processes.reduce(0) { $0 + ($1.isKernelThread ? 0 : $1.pagesRead(over: tick.interval)) }
    }
}

extension Parties {
    /// Resident bytes of each process that has any, and `more`. What the processes of a party share, such as a database's
    /// buffers, is there once, as much as the one has that has most of it: each is given its part.
    fileprivate func heldBytes(and more: (ProcessActivity) -> Double) -> [ProcessIdentity: Double] {
        var held: [ProcessIdentity: Double] = [:]
        for positions in members {
            let readings = positions.compactMap { position in
                processes[position].proc.map { (process: processes[position], proc: $0) }
            }
            let shared = readings.map { Double($0.proc.sharedBytes) }
            let sum = shared.reduce(0, +)
            let once = sum > 0 ? (shared.max() ?? 0) / sum : 0
            for (reading, shared) in zip(readings, shared) {
                held[reading.process.identity] =
                    Double(reading.proc.residentBytes) - shared + shared * once + more(reading.process)
            }
        }
        return held
    }

    /// Whether a party holds so much.
    fileprivate func anyHolds(
        _ least: Double, of held: [ProcessIdentity: Double], among candidates: Set<ProcessIdentity>
    ) -> Bool {
        members.contains { positions in
            positions.lazy.map { processes[$0].identity }.filter(candidates.contains)
                .reduce(0) { $0 + (held[$1] ?? 0) } >= least
        }
    }
}

extension ProcessActivity {
    /// Bytes in swap, as far as the process is at work: what an idle one has there presses on nobody. From a tenth of the
    /// tick on the CPU or in D state on it is all of them.
    fileprivate func wantedFromSwap(over interval: Double) -> Double {
        // It may be blocked all the time where nobody measures that.
        let busy = scheduling.map { scheduling in
            scheduling.blockedNanoseconds.map { Double(scheduling.cpuNanoseconds + $0) / 1e9 / interval } ?? 1
        }
        return Double(proc?.swappedBytes ?? 0) * min(1, (busy ?? proc?.cpuShare ?? 0) / 0.1)
    }

    /// Bytes per second that read calls returned, pipes and sockets included, or that came from a device.
    fileprivate func cacheUse(over interval: Double, returning: Double) -> Double {
        max(proc?.readCallBytesPerSecond ?? 0, newPagesRead(over: interval, returning: returning))
    }

    /// Bytes per second read from a device.
    func pagesRead(over interval: Double) -> Double {
        max(Double(blockIO?.readBytes ?? 0) / interval, proc?.readBytesPerSecond ?? 0)
    }

    /// Bytes per second of pages that were not there before: faulted in fresh, or read from a device. `returning` is the
    /// share of all reading that brings back what was evicted; it is taken off who reads through major faults.
    func pageDemand(over interval: Double, returning: Double) -> Double {
        let fresh = faults.map { Double($0.minor) / interval } ?? proc?.minorFaultsPerSecond ?? 0
        return fresh * Contention.pageSize + newPagesRead(over: interval, returning: returning)
    }

    /// Bytes per second read from a device that were not there before.
    private func newPagesRead(over interval: Double, returning: Double) -> Double {
        pagesRead(over: interval) * (readsThroughMajorFaults ? 1 - returning : 1)
    }

    var readsThroughMajorFaults: Bool { faults.map { $0.major > 0 } ?? (proc?.majorFaultsPerSecond ?? 0 > 0) }
}
