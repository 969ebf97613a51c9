/// What the agent can do. The raw values are the names in agent.db, in JSON and on the command line.
public enum ActionKind: String, CaseIterable, Sendable, Codable {
    case lowerProcessPriority = "lower_process_priority"
    case throttleCPU = "throttle_cpu"
    case setCPUAffinity = "set_cpu_affinity"
    case pauseProcess = "pause_process"
    case resumeProcess = "resume_process"
    case terminateProcess = "terminate_process"
    case lowerIOPriority = "lower_io_priority"
    case throttleIO = "throttle_io"
    case flushBuffers = "flush_buffers"
    case reduceSwappiness = "reduce_swappiness"
    case clearPageCache = "clear_page_cache"
    case increaseTCPBacklog = "increase_tcp_backlog"
    case reduceFinTimeout = "reduce_fin_timeout"
    case listTopMemory = "list_top_memory"
    case listTopCPU = "list_top_cpu"
    case checkIOActivity = "check_io_activity"
    case checkNetworkStats = "check_network_stats"
    case checkTCPStats = "check_tcp_stats"
    case monitorSwap = "monitor_swap"

    /// What an action may break: nothing, a little and briefly, or the work of whom it is about.
    public enum Risk: Int, Comparable, Sendable, Codable, CaseIterable {
        case none, low, medium, high

        public static func < (left: Risk, right: Risk) -> Bool { left.rawValue < right.rawValue }
    }

    /// Whom it touches.
    public enum BlastRadius: String, Sendable, Codable { case none, party, host }

    public var risk: Risk {
        switch self {
        case .listTopMemory, .listTopCPU, .checkIOActivity, .checkNetworkStats, .checkTCPStats, .monitorSwap: .none
        case .lowerProcessPriority, .throttleCPU, .setCPUAffinity, .resumeProcess, .lowerIOPriority, .throttleIO,
            .reduceSwappiness, .increaseTCPBacklog, .reduceFinTimeout:
            .low
        case .pauseProcess, .flushBuffers, .clearPageCache: .medium
        case .terminateProcess: .high
        }
    }

    public var blastRadius: BlastRadius {
        switch self {
        case .listTopMemory, .listTopCPU, .checkIOActivity, .checkNetworkStats, .checkTCPStats, .monitorSwap: .none
        case .lowerProcessPriority, .throttleCPU, .setCPUAffinity, .pauseProcess, .resumeProcess, .terminateProcess,
            .lowerIOPriority, .throttleIO:
            .party
        case .flushBuffers, .reduceSwappiness, .clearPageCache, .increaseTCPBacklog, .reduceFinTimeout: .host
        }
    }

    /// Whether what it changes can be set back to what was read before. Who was stopped was held up: that stays.
    public var isReversible: Bool {
        switch self {
        case .terminateProcess, .flushBuffers, .clearPageCache: false
        default: true
        }
    }

    /// Whether it looks and changes nothing.
    public var isReadOnly: Bool { blastRadius == .none }

    /// All that change something.
    public static let changing = allCases.filter { !$0.isReadOnly }
}
