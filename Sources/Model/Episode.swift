/// A signal: something that opened, lasts, and closes. One row in `signal_metadata`.
public struct Episode: Sendable, Identifiable {
    public enum State: String, CaseIterable, Sendable, Codable {
        case open
        case closed
        /// The data that the rule needs went away: neither open nor closed can be said.
        case unknown
    }

    /// What makes two findings the same episode: a thrashing process may also be starved.
    public struct Key: Hashable, Sendable {
        public var type: SignalType
        public var entity: Entity
        /// What exactly is wrong: `cpu_starvation`, `blocking_io`, `memory_pressure`.
        public var label: String

        public init(type: SignalType, entity: Entity, label: String) {
            self.type = type
            self.entity = entity
            self.label = label
        }
    }

    /// Row id, given when it opens, never reused.
    public var id: Int64
    public var key: Key
    public var state: State
    public var category: SignalCategory
    /// When it opened (`timestamp` and `first_seen`), when the rule last held, and when it closed.
    public var opened: Timestamp
    public var lastSeen: Timestamp
    public var closed: Timestamp?
    /// The highest severity and score (0–1) so far: `severity` and `pressure_score` in the database.
    public var peak: Grade
    /// The latest ones.
    public var current: Grade
    /// Ticks in which the rule held.
    public var occurrences: Int
    /// What was found when it was worst.
    public var finding: Finding

    public init(
        id: Int64, key: Key, state: State = .open, category: SignalCategory = .symptom, opened: Timestamp,
        lastSeen: Timestamp, closed: Timestamp? = nil, peak: Grade, current: Grade, occurrences: Int = 1,
        finding: Finding
    ) {
        self.id = id
        self.key = key
        self.state = state
        self.category = category
        self.opened = opened
        self.lastSeen = lastSeen
        self.closed = closed
        self.peak = peak
        self.current = current
        self.occurrences = occurrences
        self.finding = finding
    }
}

/// How bad: a class and a number.
public struct Grade: Sendable, Hashable {
    public var severity: Severity
    /// 0–1.
    public var score: Double

    public init(severity: Severity, score: Double) {
        self.severity = severity
        self.score = min(max(score, 0), 1)
    }
}

/// What a rule found in one tick: the text, the proof, who causes it and who suffers.
public struct Finding: Sendable {
    public var message: Message
    /// The exact inputs that made the rule fire.
    public var evidence: [Evidence]
    /// Who causes it, most first; empty when the data cannot tell.
    public var culprits: [Culprit]
    public var victims: [Victim]
    /// Grows when the rule's meaning changes.
    public var ruleVersion: Int

    public init(
        message: Message, evidence: [Evidence], culprits: [Culprit] = [], victims: [Victim] = [], ruleVersion: Int = 1
    ) {
        self.message = message
        self.evidence = evidence
        self.culprits = culprits
        self.victims = victims
        self.ruleVersion = ruleVersion
    }
}

/// One input of a rule.
public struct Evidence: Sendable, Hashable, Codable {
    /// The series it comes from: `pressure.memory.some`.
    public var metric: String
    public var value: Double
    public var unit: String
    /// What it was compared with.
    public var threshold: Double?
    /// Seconds that the value covers.
    public var window: Double
    /// What is usual for the metric on this host; `nil` while that is not known, and for metrics of one process.
    public var baseline: Usual?

    public init(
        metric: String, value: Double, unit: String, threshold: Double? = nil, window: Double, baseline: Usual? = nil
    ) {
        self.metric = metric
        self.value = value
        self.unit = unit
        self.threshold = threshold
        self.window = window
        self.baseline = baseline
    }

    /// Where a metric usually lies, in its own unit.
    public struct Usual: Sendable, Hashable, Codable {
        public var median: Double
        public var p95: Double
        /// The hour of the day in UTC that this is of; `nil` when it is of all hours.
        public var hour: Int?

        public init(median: Double, p95: Double, hour: Int?) {
            self.median = median
            self.p95 = p95
            self.hour = hour
        }
    }
}

/// A process that causes a signal.
public struct Culprit: Sendable, Hashable, Codable {
    public var process: ProcessIdentity
    public var comm: String
    public var cgroup: String
    /// Its share of the cause (0–1).
    public var share: Double
    /// What the share is of: `CPU time`, `bytes written`.
    public var measure: String

    public init(process: ProcessIdentity, comm: String, cgroup: String, share: Double, measure: String) {
        self.process = process
        self.comm = comm
        self.cgroup = cgroup
        self.share = share
        self.measure = measure
    }
}

/// A process that suffers.
public struct Victim: Sendable, Hashable, Codable {
    public var process: ProcessIdentity
    public var comm: String
    public var cgroup: String
    /// What it suffers, in milliseconds per second of wall time.
    public var stallMillisecondsPerSecond: Double
    /// Which stall: `run-queue wait`, `blocked on I/O`, `page-fault latency`, `waiting for memory`.
    public var stall: String

    public init(
        process: ProcessIdentity, comm: String, cgroup: String, stallMillisecondsPerSecond: Double, stall: String
    ) {
        self.process = process
        self.comm = comm
        self.cgroup = cgroup
        self.stallMillisecondsPerSecond = stallMillisecondsPerSecond
        self.stall = stall
    }
}
