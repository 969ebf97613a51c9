import Model

/// Everything that one tick leaves behind in the database.
public struct TickRecord: Sendable {
    /// Raw events, the evidence.
    public struct Events: Sendable {
        public var syscalls: [SyscallEvent]
        public var scheduler: [SchedulerEvent]
        public var pageFaults: [PageFaultEvent]
        public var blockIO: [BlockIOEvent]

        public init(
            syscalls: [SyscallEvent] = [], scheduler: [SchedulerEvent] = [], pageFaults: [PageFaultEvent] = [],
            blockIO: [BlockIOEvent] = []
        ) {
            self.syscalls = syscalls
            self.scheduler = scheduler
            self.pageFaults = pageFaults
            self.blockIO = blockIO
        }

        var count: Int { syscalls.count + scheduler.count + pageFaults.count + blockIO.count }
    }

    public var time: Timestamp
    public var samples: [MetricSample]
    public var histograms: [HistogramSample]
    /// Episodes that opened, changed or closed in this tick.
    public var episodes: [Episode]
    public var events: Events
    /// The top processes; empty for no new snapshot.
    public var processes: [ProcessActivity]
    public var components: [ComponentState]
    /// What is usual, by metric, as JSON; empty when it is not to be written now.
    public var baselines: [String: String]
    /// What the governor did since the last one, and when.
    public var steps: [(time: Timestamp, step: CoverageStep)]
    /// Share of the tracers' hook runs that were measured, as a JSON object; `nil` when it is not to be written now.
    public var completeness: String?

    public init(
        time: Timestamp, samples: [MetricSample] = [], histograms: [HistogramSample] = [], episodes: [Episode] = [],
        events: Events = Events(), processes: [ProcessActivity] = [], components: [ComponentState] = [],
        baselines: [String: String] = [:], steps: [(time: Timestamp, step: CoverageStep)] = [],
        completeness: String? = nil
    ) {
        self.time = time
        self.samples = samples
        self.histograms = histograms
        self.episodes = episodes
        self.events = events
        self.processes = processes
        self.components = components
        self.baselines = baselines
        self.steps = steps
        self.completeness = completeness
    }
}
