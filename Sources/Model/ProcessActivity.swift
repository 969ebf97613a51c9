/// What one process did in one tick: all its threads together, including threads and processes that ended in it.
/// Parts that nobody measured are `nil`.
public struct ProcessActivity: Sendable {
    /// Calls of one category that returned.
    public struct Calls: Sendable, Hashable {
        public var count: UInt64
        public var latencyNanoseconds: UInt64

        public init(count: UInt64 = 0, latencyNanoseconds: UInt64 = 0) {
            self.count = count
            self.latencyNanoseconds = latencyNanoseconds
        }
    }

    /// From `sched_tracer`, or from the scheduler's own clocks where that does not see every switch: what those do not tell is
    /// `nil`, and a wait that goes on counts when it ends.
    public struct Scheduling: Sendable, Hashable {
        /// What goes on included.
        public var cpuNanoseconds: UInt64 = 0
        public var voluntarySwitches: UInt64 = 0
        public var involuntarySwitches: UInt64 = 0
        public var wakeups: UInt64? = 0
        /// Waits for a CPU that ended; the time that all threads together spent waiting, the waits that go on included; the longest.
        public var waits: UInt64 = 0
        public var waitNanoseconds: UInt64 = 0
        /// What the thread that waited most did of it, by the scheduler's clocks; `nil` where nobody waited or the kernel keeps none.
        public var mostWaitedNanoseconds: UInt64?
        public var longestWaitNanoseconds: UInt64? = 0
        /// The process that had the CPU until the longest wait ended; 0 when it was idle, `nil` when nothing has waited or the wait
        /// goes on.
        public var longestWaitBehind: Int32?
        /// CPUs that the thread with the longest wait may run on.
        public var allowedCPUs: Int?
        /// D state, what goes on included.
        public var blockedNanoseconds: UInt64? = 0
        /// Interruptible sleep that ended.
        public var sleptNanoseconds: UInt64? = 0
        /// The part of the waits for a CPU and of D state for which the kernel counted a thread as stalled on memory (as PSI does),
        /// what goes on included; `nil` where the kernel keeps no PSI.
        public var memoryStallNanoseconds: UInt64? = 0

        public init() {}
    }

    /// From `page_fault_tracer`.
    public struct Faults: Sendable, Hashable {
        public var minor: UInt64 = 0
        public var major: UInt64 = 0
        public var latencyNanoseconds: UInt64 = 0
        public var majorLatencyNanoseconds: UInt64 = 0

        public init() {}
    }

    /// From `io_latency_tracer`: requests that the process itself submitted. Buffered writes are in `proc`.
    public struct BlockIO: Sendable, Hashable {
        public var reads: UInt64 = 0
        public var readBytes: UInt64 = 0
        public var writes: UInt64 = 0
        public var writeBytes: UInt64 = 0

        public init() {}
    }

    public var identity: ProcessIdentity
    public var parent: Int32
    /// Process group and session: whoever started the work together.
    public var processGroup: Int32
    public var session: Int32
    /// The process group of the program whose worker this is, for workers that lead a session of their own and were
    /// forked without executing anything (fio's jobs, postgres' backends); 0 for all others.
    public var workerOf: Int32
    public var uid: UInt32
    public var cgroup: UInt64
    public var comm: String
    public var threads: Int
    public var isKernelThread: Bool
    /// Whether all its threads that did something asked to come last: see `CPUPriority`.
    public var comesLast: Bool
    /// Whether the process ended in this tick.
    public var exited: Bool
    /// Whether SIGKILL ended it.
    public var killed: Bool

    public var calls: [SyscallCategory: Calls]?
    public var scheduling: Scheduling?
    public var faults: Faults?
    public var blockIO: BlockIO?
    /// From `/proc/PID`, for the top consumers only.
    public var proc: ProcessReading?

    public init(
        identity: ProcessIdentity, parent: Int32 = 0, processGroup: Int32 = 0, session: Int32 = 0,
        workerOf: Int32 = 0, uid: UInt32 = 0, cgroup: UInt64 = 0, comm: String, threads: Int = 1,
        isKernelThread: Bool = false, comesLast: Bool = false,
        exited: Bool = false, killed: Bool = false,
        calls: [SyscallCategory: Calls]? = nil, scheduling: Scheduling? = nil, faults: Faults? = nil,
        blockIO: BlockIO? = nil, proc: ProcessReading? = nil
    ) {
        self.identity = identity
        self.parent = parent
        self.processGroup = processGroup
        self.session = session
        self.workerOf = workerOf
        self.uid = uid
        self.cgroup = cgroup
        self.comm = comm
        self.threads = threads
        self.isKernelThread = isKernelThread
        self.comesLast = comesLast
        self.exited = exited
        self.killed = killed
        self.calls = calls
        self.scheduling = scheduling
        self.faults = faults
        self.blockIO = blockIO
        self.proc = proc
    }
}
