import Model

/// How much of the tick goes by because memory is short, as shares of it (0–1).
struct MemoryStall {
    /// Some task stalled on memory, as the kernel counts it; `nil` without PSI.
    let counted: Double?
    /// The longest that one process waited for pages that had been in memory; `nil` where that cannot be told.
    ///
    /// PSI leaves out a page that comes back after more others than the list of active pages is long (`workingset_test_recent`
    /// in mm/workingset.c), and at a cgroup's limit that list may be short: tasks then count as waiting for I/O. Where the disk
    /// is slow, reclaim takes little time as well, and nothing is left that PSI would see.
    let returning: Double?

    var share: Double { max(counted ?? 0, returning ?? 0) }

    init(_ tick: Tick, _ parties: Parties, _ thresholds: Thresholds) {
        counted = tick.host.pressure?.memory.some
        returning = Self.returning(tick, parties, leastWait: thresholds.memoryStall.low)
    }

    private static func returning(_ tick: Tick, _ parties: Parties, leastWait: Double) -> Double? {
        guard let vm = tick.host.vm else { return nil }
        // A program that starts on a host whose cache is full has its pages come back too, but nobody is short of memory as
        // long as kswapd makes room.
        let back = vm.returnsPerSecond
        let byTasks = vm.directStealPerSecond + (vm.limitStealPerSecond ?? 0)
        guard back > 0, byTasks >= 0.5 * back, byTasks >= vm.kswapdStealPerSecond else { return 0 }
        guard tick.pageFaults != nil else { return tick.mayWaitForPages(atLeast: leastWait) ? nil : 0 }
        let read = Contention.bytesRead(in: tick)
        return parties.members.reduce(0) { longest, positions in
            let members = positions.lazy.map { parties.processes[$0] }.filter { !$0.isKernelThread }
            let own = members.reduce(0) { $0 + $1.pagesRead(over: tick.interval) }
            guard own > 0 else { return longest }
            // Nobody knows whose pages they were: what others read comes off first.
            let returned = (back * Contention.pageSize - (read - own)) / own
            let waited =
                members.map { Double($0.faults?.majorLatencyNanoseconds ?? 0) / 1e9 / tick.interval }.max() ?? 0
            return max(longest, min(1, waited) * min(1, returned))
        }
    }
}

extension Tick {
    /// Whether a process may have waited for its pages for such a share of the tick while its faults are not timed.
    fileprivate func mayWaitForPages(atLeast share: Double) -> Bool {
        processes.contains { process in
            guard !process.isKernelThread, process.readsThroughMajorFaults else { return false }
            return process.scheduling?.blockedNanoseconds.map { Double($0) / 1e9 / interval >= share } ?? true
        }
    }
}

extension VMReading {
    /// Pages that had been in memory and were read again: refaults are those of files, and what comes back from swap is
    /// another counter.
    var returnsPerSecond: Double { refaultsPerSecond + swapInPerSecond }
}
