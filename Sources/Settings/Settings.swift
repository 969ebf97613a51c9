import Model

/// What `config.yaml` says, checked. Every value has a default, so an empty file is a complete configuration.
///
/// A value here is always in its range: `Key.all` says which, and nothing else makes a `Settings` from a file.
public struct Settings: Sendable, Hashable {
    public var database = Database()
    public var tracers = Tracers()
    public var agent = Agent()
    public var advanced = Advanced()
    public var retention = Retention()
    public var thresholds = Thresholds()
    public var hysteresis = Hysteresis()
    public var api = API()
    public var overhead = Overhead()

    /// The defaults.
    public init() {}

    public struct Database: Sendable, Hashable {
        /// Relative paths start at the working directory of the process.
        public var path = "data/kernelsight.db"
    }

    /// The four tracers, and which of them are attached.
    public struct Tracers: Sendable, Hashable {
        public var enabled = TracerName.allCases
        var syscall = Tracer(.syscall)
        var scheduler = Tracer(.scheduler)
        var pageFault = Tracer(.pageFault)
        var blockIO = Tracer(.blockIO)

        /// The limits of one tracer, enabled or not.
        public subscript(name: TracerName) -> Tracer {
            get {
                switch name {
                case .syscall: syscall
                case .scheduler: scheduler
                case .pageFault: pageFault
                case .blockIO: blockIO
                }
            }
            set {
                switch name {
                case .syscall: syscall = newValue
                case .scheduler: scheduler = newValue
                case .pageFault: pageFault = newValue
                case .blockIO: blockIO = newValue
                }
            }
        }
    }

    /// What becomes an event, and how many of them are kept. Aggregates are never sampled.
    public struct Tracer: Sendable, Hashable {
        /// Rate of the token bucket; 0 keeps the aggregates alone.
        public var eventsPerSecond: Int
        public var thresholdMilliseconds: Double

        init(_ name: TracerName) {
            eventsPerSecond = name.defaultEventsPerSecond
            thresholdMilliseconds = name.defaultThresholdMilliseconds
        }
    }

    /// What the agent may do, and how long it waits.
    public struct Agent: Sendable, Hashable {
        public var cycleIntervalSeconds = 60
        public var mode = AgentMode.observe
        /// Between an action and the look at what came of it.
        public var settleSeconds: Double = 10
        /// The least confidence in a cause (0–1) at which anything is done about it.
        public var confidenceFloor = 0.6
        /// Until the same action is tried again on the same process …
        public var coolDownSeconds: Double = 60
        /// … and where it did not help.
        public var coolDownAfterFailureSeconds: Double = 600
        public var mostActionsPerHour = 20
        /// That a person has to say yes.
        public var approvalSeconds: Double = 300
        /// Whether what stands is taken back when the agent stops.
        public var undoesOnStop = true
        /// Names of processes that are never touched.
        public var protected: [String] = []
        /// Actions that may be done.
        public var enabled = ActionKind.changing
        /// Those of them that cannot be undone and may be done in mode auto all the same.
        public var unattended: [ActionKind] = []
    }

    public struct Advanced: Sendable, Hashable {
        /// Read connections in each API worker.
        public var databaseConnectionPoolSize = 5
        /// Rows that are buffered before a write …
        public var signalBatchSize = 100
        /// … or this long, whichever comes first.
        public var flushIntervalSeconds: Double = 1
    }

    /// How long rows are kept.
    public struct Retention: Sendable, Hashable {
        public var signalsDays = 30
        public var series1sHours: Double = 1
        public var series10sHours: Double = 24
        public var series1mDays: Double = 7
        public var series1hDays: Double = 30
        /// Raw events, in 1 000 000 bytes; the oldest go first.
        public var eventsMegabytes = 256

        /// Seconds that each resolution of the series is kept, finest first; `width` is its seconds per value.
        public var series: [(width: Int64, seconds: Int64)] {
            [
                (1, Int64(series1sHours * 3600)), (10, Int64(series10sHours * 3600)),
                (60, Int64(series1mDays * 86_400)), (3600, Int64(series1hDays * 86_400)),
            ]
        }
    }

    public struct API: Sendable, Hashable {
        /// Data older than this make `/api/health` unhealthy.
        public var freshnessLimitSeconds: Double = 10
        /// Threads in each worker, one for each connection of nginx while it is open. Idle ones are only kept open while a
        /// quarter of the threads is free, so that new ones never starve.
        public var threads = 64
        /// A request that took this long is written to the log.
        public var slowRequestMilliseconds: Double = 500
        /// A statement that took this long is written to the log.
        public var slowQueryMilliseconds: Double = 50
    }

    /// What the collector may cost.
    public struct Overhead: Sendable, Hashable {
        /// Percent of the whole host's CPU time.
        public var budgetPercent: Double = 1
    }
}
