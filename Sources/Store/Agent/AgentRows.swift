import Model

/// One turn of the decision cycle, as it stands in `agent.db`.
public struct AgentCycle: Sendable, Identifiable {
    public struct Phase: Sendable {
        /// `OBSERVE` to `VERIFY`.
        public var name: String
        public var started: Timestamp
        public var durationNanoseconds: Int64
        /// JSON.
        public var input: String
        public var result: String
        /// The result in one line, for people.
        public var message: String

        public init(
            name: String, started: Timestamp, durationNanoseconds: Int64, input: String, result: String, message: String
        ) {
            self.name = name
            self.started = started
            self.durationNanoseconds = durationNanoseconds
            self.input = input
            self.result = result
            self.message = message
        }
    }

    public var id: Int64
    public var started: Timestamp
    /// What it was started by.
    public var cause: String
    /// `nil` while it runs, and for one that was cut off.
    public var finished: Timestamp?
    public var outcome: String?
    public var phases: [Phase] = []
}

/// What was decided, and how far it has come.
public struct AgentDecision: Sendable, Identifiable {
    public enum State: String, Sendable, CaseIterable {
        /// In mode `observe`: this would have been done.
        case advised
        /// Waits for a person.
        case pending
        case rejected
        case expired
        /// Its situation had changed, or the policy said no, before it could be executed.
        case refused
        case executing
        case verifying
        /// It helped, and its changes stand.
        case standing
        case undoing
        case undone
        /// Done, and cannot be taken back.
        case done
        /// Changes stand that could not be taken back.
        case stuck

        /// An agent that starts has to see to these.
        public static let inFlight: [State] = [.executing, .verifying, .undoing]
        /// Something on the host is not as it was before them.
        public static let changed: [State] = [.standing, .stuck]
    }

    public var id: Int64
    public var cycle: Int64
    public var signal: Int64
    /// JSON: `Action` of the agent.
    public var action: String
    public var reason: String
    public var confidence: Double
    public var state: State
    public var created: Timestamp
    /// When it is too late for a person to say yes.
    public var expires: Timestamp?
    public var updated: Timestamp
    public var verdict: String?
    public var note: String?

    /// - Parameter id: Given by the journal when it is added.
    public init(
        id: Int64 = 0, cycle: Int64, signal: Int64, action: String, reason: String, confidence: Double, state: State,
        created: Timestamp, expires: Timestamp? = nil, updated: Timestamp, verdict: String? = nil, note: String? = nil
    ) {
        self.id = id
        self.cycle = cycle
        self.signal = signal
        self.action = action
        self.reason = reason
        self.confidence = confidence
        self.state = state
        self.created = created
        self.expires = expires
        self.updated = updated
        self.verdict = verdict
        self.note = note
    }
}

/// A change of a setting, as it was written down before it was made.
public struct AgentChange: Sendable, Identifiable {
    public var id: Int64
    public var decision: Int64
    /// JSON: `Setting` of the agent.
    public var setting: String
    public var before: String
    public var after: String
    public var state: String
}

/// What stands in the audit: never changed, each with the hash of the one before.
public struct AuditRecord: Sendable, Identifiable {
    public var id: Int64
    public var time: Timestamp
    public var kind: String
    public var body: String
    public var previous: String
    public var hash: String

    /// What is hashed.
    public var hashed: String { Self.hashed(previous: previous, time: time, kind: kind, body: body) }

    static func hashed(previous: String, time: Timestamp, kind: String, body: String) -> String {
        "\(previous)\n\(time.nanoseconds)\n\(kind)\n\(body)"
    }
}

/// What the agent was last heard to be at.
public struct AgentStatus: Sendable {
    /// 0 once it has stopped.
    public var pid: Int32
    public var mode: String
    public var started: Timestamp
    public var beat: Timestamp
    /// The phase that it is in; `nil` between cycles.
    public var phase: String?
    /// JSON: the actions, and which would do nothing on this host.
    public var catalogue: String

    public init(
        pid: Int32, mode: String, started: Timestamp, beat: Timestamp, phase: String?, catalogue: String
    ) {
        self.pid = pid
        self.mode = mode
        self.started = started
        self.beat = beat
        self.phase = phase
        self.catalogue = catalogue
    }
}
