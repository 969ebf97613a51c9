import Forecast
import Model

/// A tick as the rules see it: the measurements, what they are compared with, and who contends for what. Worked out once,
/// read by all ten.
struct Situation: Sendable {
    let tick: Tick
    let thresholds: Thresholds
    /// The collector. It may be a victim of others' CPU and memory use; its database's commits are not a user's I/O.
    let own: ProcessIdentity?
    /// What is usual, by the names that evidence has.
    let usual: [String: Baseline.Usual]
    /// `nil` when nobody measured any.
    let disks: [Disk]?
    let parties: Parties
    let cpuUse: CPUUse
    let cpu: Contention
    let io: IOContention
    let memory: Contention
    let memoryStall: MemoryStall
    /// Whether memory is what makes tasks wait for pages: then who takes the memory is to blame, not who reads.
    let isShortOfMemory: Bool
    /// Who takes the memory and who suffers, while it is short and somebody is known to take it.
    let shortage: Contention?

    init(
        _ tick: Tick, thresholds: Thresholds, own: ProcessIdentity?, usual: [String: Baseline.Usual] = [:],
        sleepers: Sleepers = Sleepers(), lineage: Lineage = Lineage(), refilling: Refilling = Refilling()
    ) {
        self.tick = tick
        self.thresholds = thresholds
        self.own = own
        self.usual = usual
        disks = Disk.all(in: tick)
        parties = Parties(tick.processes, lineage)
        cpuUse = CPUUse(tick, parties, sleepers)
        cpu = Contention.cpu(tick, parties, cpuUse).knowing(usual, most: thresholds.runQueueWait.medium)
        memory = Contention.memory(tick, parties, thresholds, own: own)
            .knowing(usual, most: thresholds.faultStall.medium)
        memoryStall = MemoryStall(tick, parties, thresholds)
        isShortOfMemory =
            memoryStall.share >= thresholds.memoryStall.low
            || memoryStall.counted == nil && Self.readsWhatItReclaims(tick.host.vm)
        shortage = isShortOfMemory && !memory.suspects.isEmpty ? memory : nil
        io = IOContention(tick, parties, disks, shortage: shortage, refilling, own: own) {
            $0.knowing(usual, most: thresholds.blockedStall.medium)
        }
    }

    /// Stands in where nobody counts how long tasks stall on memory.
    private static func readsWhatItReclaims(_ vm: VMReading?) -> Bool {
        guard let vm else { return false }
        return vm.refaultsPerSecond > 0.5 * max(vm.majorFaultsPerSecond, 100)
            && vm.directScanPerSecond + vm.kswapdScanPerSecond > 0
    }

    /// Who is to blame when a process waits for pages or for a device.
    func paging(of process: ProcessIdentity) -> Contention {
        shortage ?? io[waiting: process]
    }

    /// Why nobody can tell how long processes are blocked.
    var blindToBlocked: String? {
        tick.scheduler == nil
            ? "how long processes are blocked comes from sched_tracer, which does not measure every thread" : nil
    }

    /// Why nobody can tell how long pages that had been in memory are waited for.
    var blindToReturning: String? {
        memoryStall.returning == nil
            ? "who waits for pages that had been in memory comes from page_fault_tracer and /proc/vmstat" : nil
    }

    /// Why nobody can tell everything of how single processes wait for a CPU.
    var blindToWaits: String? {
        if tick.scheduler != nil { return nil }
        return tick.knowsScheduling
            ? "longest waits and who had the CPU meanwhile come from sched_tracer, which does not measure every thread"
            : "run-queue waits and switches per process come with the tracers, of which none runs"
    }

    func perSecond(_ count: UInt64) -> Double { Double(count) / tick.interval }
    func millisecondsPerSecond(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e6 / tick.interval }

    /// - Parameter name: the process whose usual it is to be compared with, if it is a process's.
    func evidence(
        _ metric: String, _ value: Double, _ unit: String, _ threshold: Double? = nil, of name: String? = nil
    ) -> Evidence {
        Evidence(
            metric: metric, value: value, unit: unit, threshold: threshold, window: tick.interval,
            baseline: baseline(of: name.map { "\(metric):\($0)" } ?? metric))
    }

    func baseline(of metric: String) -> Evidence.Usual? {
        usual[metric].map { Evidence.Usual(median: $0.profile.median, p95: $0.profile.p95, hour: $0.hour) }
    }
}
