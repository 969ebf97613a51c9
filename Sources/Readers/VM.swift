import Model

/// The counters of `/proc/vmstat` that tell about faults, swapping and reclaim. What a kernel does not count stays 0.
struct VMSample: Counters {
    var faults: UInt64 = 0
    var majorFaults: UInt64 = 0
    var swapIn: UInt64 = 0
    var swapOut: UInt64 = 0
    var directScan: UInt64 = 0
    var kswapdScan: UInt64 = 0
    var directSteal: UInt64 = 0
    var kswapdSteal: UInt64 = 0
    /// What all reclaim took, and what of it was the host's own. These counters leave out what is taken at a cgroup's limit,
    /// until "mm: move pgscan, pgsteal, pgrefill to node stats" (2026).
    var steal: UInt64?
    var hostSteal: UInt64 = 0
    var allocationStalls: UInt64 = 0
    var refaults: UInt64 = 0
    var oomKills: UInt64 = 0

    init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        var hasFaults = false
        while var line = file.line() {
            guard let key = line.word(), let value = line.number() else { continue }
            switch key {
            case "pgfault":
                faults = value
                hasFaults = true
            case "pgmajfault": majorFaults = value
            case "pswpin": swapIn = value
            case "pswpout": swapOut = value
            case "pgscan_direct": directScan = value
            case "pgscan_kswapd": kswapdScan = value
            case "pgsteal_direct":
                directSteal = value
                hostSteal &+= value
            case "pgsteal_kswapd":
                kswapdSteal = value
                hostSteal &+= value
            case "pgsteal_khugepaged", "pgsteal_proactive": hostSteal &+= value
            // Since kernel 5.8.
            case "pgsteal_anon", "pgsteal_file": steal = (steal ?? 0) &+ value
            // Before kernel 5.9 file and anonymous pages were one counter.
            case "workingset_refault_file", "workingset_refault": refaults = value
            case "oom_kill": oomKills = value
            default:
                // One per zone since kernel 4.10.
                if key.dropping(prefix: "allocstall") != nil { allocationStalls &+= value }
            }
        }
        guard hasFaults else { return nil }
    }

    func rates(since earlier: VMSample, seconds: Double) -> VMReading? {
        var growth = Growth(seconds: seconds)
        var reading = VMReading()
        reading.seconds = seconds
        reading.faultsPerSecond = growth.perSecond(earlier.faults, faults)
        reading.majorFaultsPerSecond = growth.perSecond(earlier.majorFaults, majorFaults)
        reading.swapInPerSecond = growth.perSecond(earlier.swapIn, swapIn)
        reading.swapOutPerSecond = growth.perSecond(earlier.swapOut, swapOut)
        reading.directScanPerSecond = growth.perSecond(earlier.directScan, directScan)
        reading.kswapdScanPerSecond = growth.perSecond(earlier.kswapdScan, kswapdScan)
        reading.directStealPerSecond = growth.perSecond(earlier.directSteal, directSteal)
        reading.kswapdStealPerSecond = growth.perSecond(earlier.kswapdSteal, kswapdSteal)
        if let before = earlier.steal, let steal {
            let host = growth.perSecond(earlier.hostSteal, hostSteal)
            reading.limitStealPerSecond = max(0, growth.perSecond(before, steal) - host)
        }
        reading.allocationStallsPerSecond = growth.perSecond(earlier.allocationStalls, allocationStalls)
        reading.refaultsPerSecond = growth.perSecond(earlier.refaults, refaults)
        reading.oomKills = growth.count(earlier.oomKills, oomKills)
        return growth.wentBackwards ? nil : reading
    }
}

struct VMReader: ~Copyable {
    private var file: ProcFile
    private var rates = Rates<VMSample>()

    init(root: String) { file = ProcFile(root + "/proc/vmstat") }

    mutating func read(_ buffer: inout ReadBuffer, at now: UInt64) throws(ReaderError) -> VMReading? {
        rates.next(try file.read(&buffer, VMSample.init(parsing:)), at: now)
    }
}
