/// What `syscall_tracer` counted in one tick. Counts are complete but for what the ledger says was lost.
public struct SyscallReading: Sendable {
    /// One system call number's share.
    public struct Call: Sendable {
        public var number: Int
        public var name: String
        public var category: SyscallCategory
        public var count: UInt64
        public var errors: UInt64
        public var latencyNanoseconds: UInt64
        /// Calls per power of two of latency in ns: slot i holds 2^i ≤ v < 2^(i+1).
        public var log2: [UInt32]

        public init(
            number: Int, name: String, category: SyscallCategory, count: UInt64, errors: UInt64,
            latencyNanoseconds: UInt64, log2: [UInt32]
        ) {
            self.number = number
            self.name = name
            self.category = category
            self.count = count
            self.errors = errors
            self.latencyNanoseconds = latencyNanoseconds
            self.log2 = log2
        }
    }

    /// Calls that returned in this tick, by number; only numbers that were used.
    public var calls: [Call]
    /// Latency of the calls that returned, by category.
    public var latency: [SyscallCategory: LatencyHistogram]
    /// Outliers that made it through the token bucket.
    public var events: [SyscallEvent]
    /// Calls that have been running for longer than the threshold and have not returned.
    public var running: [SyscallEvent]

    public init(
        calls: [Call] = [], latency: [SyscallCategory: LatencyHistogram] = [:], events: [SyscallEvent] = [],
        running: [SyscallEvent] = []
    ) {
        self.calls = calls
        self.latency = latency
        self.events = events
        self.running = running
    }
}

extension SyscallReading {
    /// Whether some slow call took a file lock, or still waits for one.
    public var hasFileLockWaits: Bool { (events + running).contains { $0.isFileLock } }
}

/// What `sched_tracer` counted in one tick.
public struct SchedulerReading: Sendable {
    /// From being woken to running, over all CPUs.
    public var wakeupLatency: LatencyHistogram
    /// From being preempted to running again, over all CPUs.
    public var preemptionLatency: LatencyHistogram
    /// How long tasks stayed on a CPU.
    public var onCPU: LatencyHistogram
    /// Wake-up and preemption latency together, by run queue (CPU number).
    public var runQueueLatency: [Int: LatencyHistogram]
    /// Context switches in the tick, by the kernel's own flag.
    public var voluntarySwitches: UInt64
    public var involuntarySwitches: UInt64
    public var wakeups: UInt64
    /// Nanoseconds that tasks spent in D state, summed over tasks whose wait ended in this tick.
    public var blockedNanoseconds: UInt64
    public var events: [SchedulerEvent]

    public init(
        wakeupLatency: LatencyHistogram = .init(), preemptionLatency: LatencyHistogram = .init(),
        onCPU: LatencyHistogram = .init(), runQueueLatency: [Int: LatencyHistogram] = [:],
        voluntarySwitches: UInt64 = 0,
        involuntarySwitches: UInt64 = 0, wakeups: UInt64 = 0, blockedNanoseconds: UInt64 = 0,
        events: [SchedulerEvent] = []
    ) {
        self.wakeupLatency = wakeupLatency
        self.preemptionLatency = preemptionLatency
        self.onCPU = onCPU
        self.runQueueLatency = runQueueLatency
        self.voluntarySwitches = voluntarySwitches
        self.involuntarySwitches = involuntarySwitches
        self.wakeups = wakeups
        self.blockedNanoseconds = blockedNanoseconds
        self.events = events
    }
}

/// What `page_fault_tracer` counted in one tick.
public struct PageFaultReading: Sendable {
    public var minor: UInt64
    public var major: UInt64
    public var minorLatency: LatencyHistogram
    public var majorLatency: LatencyHistogram
    public var events: [PageFaultEvent]

    public init(
        minor: UInt64 = 0, major: UInt64 = 0, minorLatency: LatencyHistogram = .init(),
        majorLatency: LatencyHistogram = .init(), events: [PageFaultEvent] = []
    ) {
        self.minor = minor
        self.major = major
        self.minorLatency = minorLatency
        self.majorLatency = majorLatency
        self.events = events
    }
}

/// What a block request does.
public enum BlockOperation: Int, CaseIterable, Sendable, Codable {
    case read = 0
    case write
    case flush
    case discard

    /// The label users see.
    public var name: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .flush: "flush"
        case .discard: "discard"
        }
    }
}

/// What `io_latency_tracer` counted in one tick.
public struct BlockIOReading: Sendable {
    /// One operation on one device.
    public struct Flow: Sendable {
        /// Requests completed, and their bytes.
        public var requests: UInt64
        public var bytes: UInt64
        /// From issue to completion.
        public var latency: LatencyHistogram

        public init(requests: UInt64 = 0, bytes: UInt64 = 0, latency: LatencyHistogram = .init()) {
            self.requests = requests
            self.bytes = bytes
            self.latency = latency
        }
    }

    /// One block device.
    public struct Device: Sendable {
        public var major: Int
        public var minor: Int
        /// `/proc/diskstats` name, or `MAJOR:MINOR` if it has none any more.
        public var name: String
        public var flows: [BlockOperation: Flow]
        /// Requests issued and not complete, now; the deepest since the last tick; the mean that an issued request found.
        public var depth: Int
        public var maximumDepth: Int
        public var meanDepth: Double

        public init(
            major: Int, minor: Int, name: String, flows: [BlockOperation: Flow], depth: Int, maximumDepth: Int,
            meanDepth: Double
        ) {
            self.major = major
            self.minor = minor
            self.name = name
            self.flows = flows
            self.depth = depth
            self.maximumDepth = maximumDepth
            self.meanDepth = meanDepth
        }
    }

    public var devices: [Device]
    public var events: [BlockIOEvent]

    public init(devices: [Device] = [], events: [BlockIOEvent] = []) {
        self.devices = devices
        self.events = events
    }
}
