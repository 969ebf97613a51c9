/// How a thread has asked to be scheduled.
public struct CPUPriority: Sendable, Hashable {
    /// -20 to 19. Real-time policies go by another number.
    public var nice: Int
    /// `SCHED_…` of `sched_setscheduler(2)`.
    public var policy: UInt32

    public init(nice: Int = 0, policy: UInt32 = 0) {
        self.nice = nice
        self.policy = policy
    }

    private static let fifo: UInt32 = 1
    private static let roundRobin: UInt32 = 2
    private static let idle: UInt32 = 5
    private static let deadline: UInt32 = 6
    /// Where the scheduler gives it a tenth of what others get.
    private static let politeNice = 10

    /// Whether it wants to run only when others do not: what it then waits for a CPU is as it wished.
    public var comesLast: Bool {
        switch policy {
        case Self.idle: true
        case Self.fifo, Self.roundRobin, Self.deadline: false
        default: nice >= Self.politeNice
        }
    }
}
