/// Everything that was measured in one second, from the kernel to the rules. A part that nobody measured is `nil`; it is
/// never filled with a guess.
public struct Tick: Sendable {
    /// Wall-clock time of the reading.
    public var time: Timestamp
    /// Monotonic seconds since the tick before; the first tick has 0 and no rates.
    public var interval: Double
    /// Seconds since boot, as the start times of processes count them.
    public var uptime: Double
    /// Online cores.
    public var cores: Int
    public var host: HostReading
    public var syscalls: SyscallReading?
    public var scheduler: SchedulerReading?
    public var pageFaults: PageFaultReading?
    public var blockIO: BlockIOReading?
    /// Tracers that measured some threads and not all: their latencies are a sample, their counts of the host are whole where
    /// the hooks count them before they look at the thread.
    public var sampled: Set<TracerName> = []
    /// Every process that did anything, in no order.
    public var processes: [ProcessActivity]

    public init(
        time: Timestamp, interval: Double, uptime: Double, cores: Int, host: HostReading = HostReading(),
        syscalls: SyscallReading? = nil, scheduler: SchedulerReading? = nil, pageFaults: PageFaultReading? = nil,
        blockIO: BlockIOReading? = nil, processes: [ProcessActivity] = []
    ) {
        self.time = time
        self.interval = interval
        self.uptime = uptime
        self.cores = cores
        self.host = host
        self.syscalls = syscalls
        self.scheduler = scheduler
        self.pageFaults = pageFaults
        self.blockIO = blockIO
        self.processes = processes
    }
}

extension Tick {
    /// Whether anybody says how long single processes run and wait for a CPU: `sched_tracer`, or the scheduler's own clocks.
    public var knowsScheduling: Bool { scheduler != nil || processes.contains { $0.scheduling != nil } }

    /// Without samples: what says nothing of a single process, and of the host only how long things take, is no proof.
    public var whole: Tick {
        var tick = self
        if sampled.contains(.syscall) { tick.syscalls = nil }
        if sampled.contains(.scheduler) { tick.scheduler = nil }
        if sampled.contains(.pageFault) { tick.pageFaults = nil }
        return tick
    }
}
