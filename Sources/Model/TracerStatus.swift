/// The four tracers, by the names users write in `config.yaml`.
public enum TracerName: String, CaseIterable, Sendable, Codable {
    case syscall = "syscall_tracer"
    case scheduler = "sched_tracer"
    case pageFault = "page_fault_tracer"
    case blockIO = "io_latency_tracer"
}

/// How much of what it could see a tracer looks at.
public enum Coverage: String, Sendable, Codable, CaseIterable {
    case full
    /// One thread in sixteen, others each second: latencies are a sample, and whose they are is not known.
    case sampled
    /// Its hooks are off for what they would cost.
    case off
}

extension TracerName {
    /// The least that it can look at with its hooks on. Requests of a device belong to no thread when they end.
    public var least: Coverage { self == .blockIO ? .full : .sampled }
}

/// Whether a tracer runs, and if not, why and what stands in for it.
public struct TracerStatus: Sendable {
    public enum State: Sendable, Equatable {
        case attached
        /// It ran until its hooks were taken off, as they are when the collector stops.
        case detached
        /// Not in `tracers.enabled`.
        case disabled
        /// The kernel or the privileges do not allow it.
        case failed(reason: String, remedy: String)
    }

    public var name: TracerName
    public var state: State
    /// How much it looks at while it is attached.
    public var coverage: Coverage
    /// The hooks that are attached: `tp_btf/sys_enter`.
    public var hooks: [String]
    /// What the same questions are answered from while the tracer does not run.
    public var fallback: String
    public var ledger: Ledger
    public var cost: TracerCost
    /// Events per second that the token bucket lets through.
    public var eventsPerSecond: Int

    /// Describes one tracer.
    public init(
        name: TracerName, state: State, coverage: Coverage = .full, hooks: [String] = [], fallback: String,
        ledger: Ledger = Ledger(),
        cost: TracerCost = TracerCost(), eventsPerSecond: Int
    ) {
        self.name = name
        self.state = state
        self.coverage = coverage
        self.hooks = hooks
        self.fallback = fallback
        self.ledger = ledger
        self.cost = cost
        self.eventsPerSecond = eventsPerSecond
    }
}

/// What a tracer costs, by its own measurement: one run in N is timed inside the program.
public struct TracerCost: Sendable, Equatable, Codable {
    /// Hook runs since attach.
    public var runs: UInt64 = 0
    /// Runs that were timed, and the nanoseconds they took.
    public var timedRuns: UInt64 = 0
    public var timedNanoseconds: UInt64 = 0
    /// Bytes of kernel memory in the tracer's maps, by the formula in `docs/tracers/`.
    public var mapBytes: UInt64 = 0

    /// Nothing measured.
    public init() {}

    /// Mean nanoseconds per run, or `nil` before the first timed run.
    public var nanosecondsPerRun: Double? { timedRuns == 0 ? nil : Double(timedNanoseconds) / Double(timedRuns) }
}
