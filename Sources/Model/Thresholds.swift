/// Where a measure becomes low, medium, high and critical. Rising: `low ≤ medium ≤ high ≤ critical`.
public struct Bands: Sendable, Hashable {
    public var low: Double
    public var medium: Double
    public var high: Double
    public var critical: Double

    public init(_ low: Double, _ medium: Double, _ high: Double, _ critical: Double) {
        self.low = low
        self.medium = medium
        self.high = high
        self.critical = critical
    }

    /// The severity of a value, or `nil` below `low`.
    public func severity(of value: Double) -> Severity? {
        value >= critical ? .critical : value >= high ? .high : value >= medium ? .medium : value >= low ? .low : nil
    }

    /// How far a value reaches towards `low`: 1 and more holds, less does not.
    public func strength(of value: Double) -> Double { low > 0 ? value / low : value > 0 ? .infinity : 0 }

    /// The value on a scale of 0–1 that is 0.25 at `low`, 0.5 at `medium`, 0.75 at `high` and reaches 1 at `critical`.
    public func score(of value: Double) -> Double {
        func between(_ from: Double, _ to: Double, base: Double) -> Double {
            to <= from ? base + 0.25 : base + 0.25 * (value - from) / (to - from)
        }
        if value >= critical { return 1 }
        if value >= high { return between(high, critical, base: 0.75) }
        if value >= medium { return between(medium, high, base: 0.5) }
        if value >= low { return between(low, medium, base: 0.25) }
        return low > 0 ? max(0, 0.25 * value / low) : 0
    }
}

/// Every number that detection compares with. The defaults are `config.yaml`'s.
public struct Thresholds: Sendable, Hashable {
    /// Share of the tick in which some task stalled on memory (PSI some), or one process waited for pages that had been in memory.
    public var memoryStall = Bands(0.02, 0.10, 0.25, 0.50)
    /// Share of memory in use; counts only together with stalls.
    public var memoryUsed = Bands(0.70, 0.85, 0.95, 0.98)
    /// Pages swapped in and out per second.
    public var swapRate = Bands(50, 500, 2000, 10_000)
    /// Share of swap in use; counts only together with a swap rate.
    public var swapUsed = Bands(0.10, 0.50, 0.80, 0.95)
    /// Share of the tick in which some task waited for a CPU (PSI some).
    public var cpuStall = Bands(0.10, 0.30, 0.60, 0.90)
    /// Runnable tasks per core.
    public var loadPerCore = Bands(1, 2, 4, 8)
    /// Share of the tick in which some task stalled on I/O (PSI some).
    public var ioStall = Bands(0.05, 0.20, 0.40, 0.70)
    /// p95 of block I/O latency in milliseconds; half to ten times as much where the usual is known.
    public var ioLatency = Bands(5, 10, 50, 200)
    /// Share of the tick that a device is busy; counts only together with a standing queue. Writeback comes in bursts: a
    /// device that is busy half of the time with twenty requests in its queue holds up everybody for that half.
    public var deviceBusy = Bands(0.30, 0.50, 0.80, 0.95)
    /// Mean requests in a device's queue over the tick.
    public var deviceQueue = Bands(2, 4, 16, 64)
    /// D state of one process in milliseconds per second of wall time, on a device that is congested.
    public var blockedStall = Bands(30, 100, 300, 700)
    /// Errors and drops per packet.
    public var networkErrors = Bands(0.0001, 0.001, 0.01, 0.05)
    /// Retransmitted segments per segment sent.
    public var retransmits = Bands(0.005, 0.01, 0.03, 0.10)
    /// Listen-queue overflows and drops per second.
    public var listenOverflows = Bands(0.5, 1, 10, 100)
    /// Share of the local port range that connections from one address to one destination have in use.
    public var localPorts = Bands(0.60, 0.80, 0.90, 0.97)
    /// Sockets; more where more is usual, up to ten times.
    public var timeWait = Bands(500, 1000, 5000, 20_000)
    public var closeWait = Bands(50, 100, 500, 2000)
    public var synReceived = Bands(250, 500, 1000, 4000)
    /// SYNs per second that are answered with cookies, for a queue is full.
    public var synCookies = Bands(2, 100, 1000, 10_000)
    /// Run-queue wait of one process that wants little CPU, in milliseconds per second of wall time. Four busy tasks per
    /// core make a task that wakes every 10 ms wait about 150 of them (EEVDF, kernel 6.18).
    public var runQueueWait = Bands(25, 75, 250, 600)
    /// Context switches of one process per second.
    public var switchStorm = Bands(2000, 5000, 10_000, 20_000)
    /// Latency of slow calls in milliseconds, by category.
    public var blockingIOLatency = Bands(10, 50, 100, 500)
    public var lockLatency = Bands(10, 25, 50, 100)
    public var otherCallLatency = Bands(10, 100, 500, 1000)
    /// Major faults of one process per second, and the latency of its faults in milliseconds per second of wall time.
    public var majorFaults = Bands(10, 50, 100, 500)
    public var faultStall = Bands(20, 100, 300, 600)

    /// The defaults.
    public init() {}
}

/// How long a condition must hold before an episode opens, and be gone before it closes.
public struct Hysteresis: Sendable, Hashable {
    /// Of the last `window` ticks, this many must hold to open.
    public var openAfter = 2
    public var window = 3
    /// Seconds without the condition until it closes.
    public var closeAfter: Double = 8
    /// An open episode holds as long as its measure stays above this share of the threshold that opened it.
    public var release = 0.8

    /// The defaults.
    public init() {}
}
