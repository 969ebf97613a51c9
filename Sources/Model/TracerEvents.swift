/// Who did it: the task an event is about.
public struct TaskIdentity: Sendable, Hashable {
    public var process: ProcessIdentity
    /// Thread id.
    public var tid: Int32
    public var uid: UInt32
    /// cgroup v2 id; the root's where controllers live in v1.
    public var cgroup: UInt64
    /// The thread's name: up to 15 bytes that anybody may choose. Invalid UTF-8 is repaired, nothing else is changed.
    public var comm: String

    public init(process: ProcessIdentity, tid: Int32, uid: UInt32, cgroup: UInt64, comm: String) {
        self.process = process
        self.tid = tid
        self.uid = uid
        self.cgroup = cgroup
        self.comm = comm
    }
}

/// A system call that took at least the threshold and was not waiting on purpose.
public struct SyscallEvent: Sendable, Hashable {
    /// When it returned; for a call that still runs, when it was looked at.
    public var time: Timestamp
    public var task: TaskIdentity
    public var cpu: Int32
    public var number: Int
    public var name: String
    public var category: SyscallCategory
    public var latencyNanoseconds: UInt64
    /// The part spent in D state; `nil` when `sched_tracer` does not run and nobody can tell.
    public var blockedNanoseconds: UInt64?
    /// `nil` while the call still runs.
    public var returnValue: Int64?
    public var firstArgument: UInt64

    public init(
        time: Timestamp, task: TaskIdentity, cpu: Int32, number: Int, name: String, category: SyscallCategory,
        latencyNanoseconds: UInt64, blockedNanoseconds: UInt64?, returnValue: Int64?, firstArgument: UInt64
    ) {
        self.time = time
        self.task = task
        self.cpu = cpu
        self.number = number
        self.name = name
        self.category = category
        self.latencyNanoseconds = latencyNanoseconds
        self.blockedNanoseconds = blockedNanoseconds
        self.returnValue = returnValue
        self.firstArgument = firstArgument
    }
}

extension SyscallEvent {
    /// Whether it takes a file lock.
    public var isFileLock: Bool { category == .lockContention && ["flock", "fcntl"].contains(name) }
}

/// A wait for a CPU of at least the threshold.
public struct SchedulerEvent: Sendable, Hashable {
    /// When the task got its CPU.
    public var time: Timestamp
    public var task: TaskIdentity
    public var cpu: Int32
    public var waitNanoseconds: UInt64
    /// Whether it waited after being preempted, not after a wake-up.
    public var preempted: Bool
    /// Who ran on that CPU until then.
    public var previous: ProcessIdentity
    public var previousComm: String

    public init(
        time: Timestamp, task: TaskIdentity, cpu: Int32, waitNanoseconds: UInt64, preempted: Bool,
        previous: ProcessIdentity, previousComm: String
    ) {
        self.time = time
        self.task = task
        self.cpu = cpu
        self.waitNanoseconds = waitNanoseconds
        self.preempted = preempted
        self.previous = previous
        self.previousComm = previousComm
    }
}

/// A major fault, or any fault of at least the threshold.
public struct PageFaultEvent: Sendable, Hashable {
    public enum Access: String, Sendable { case read, write, instruction }

    public var time: Timestamp
    public var task: TaskIdentity
    public var cpu: Int32
    public var address: UInt64
    public var access: Access
    /// Whether user code faulted, not the kernel on its behalf.
    public var userMode: Bool
    public var major: Bool
    public var latencyNanoseconds: UInt64

    public init(
        time: Timestamp, task: TaskIdentity, cpu: Int32, address: UInt64, access: Access, userMode: Bool, major: Bool,
        latencyNanoseconds: UInt64
    ) {
        self.time = time
        self.task = task
        self.cpu = cpu
        self.address = address
        self.access = access
        self.userMode = userMode
        self.major = major
        self.latencyNanoseconds = latencyNanoseconds
    }
}

/// A block request that took at least the threshold.
public struct BlockIOEvent: Sendable, Hashable {
    /// When it completed.
    public var time: Timestamp
    /// Who submitted it; for buffered writes that is a kernel worker.
    public var task: TaskIdentity
    public var major: Int
    public var minor: Int
    public var device: String
    public var operation: BlockOperation
    public var sector: UInt64
    public var bytes: UInt64
    /// From issue to completion, and from submission to issue.
    public var latencyNanoseconds: UInt64
    public var queuedNanoseconds: UInt64
    /// Errno of the completion, 0 for success.
    public var error: Int32

    public init(
        time: Timestamp, task: TaskIdentity, major: Int, minor: Int, device: String, operation: BlockOperation,
        sector: UInt64, bytes: UInt64, latencyNanoseconds: UInt64, queuedNanoseconds: UInt64, error: Int32
    ) {
        self.time = time
        self.task = task
        self.major = major
        self.minor = minor
        self.device = device
        self.operation = operation
        self.sector = sector
        self.bytes = bytes
        self.latencyNanoseconds = latencyNanoseconds
        self.queuedNanoseconds = queuedNanoseconds
        self.error = error
    }
}
