import Model

/// The processes that an action is about, or that it must not touch.
public struct Party: Sendable, Hashable, Codable {
    public struct Member: Sendable, Hashable, Codable {
        public var process: ProcessIdentity
        public var comm: String
        public var parent: Int32
        public var group: Int32
        /// The session that it is weighed in (sched_autogroup(7)). `nil` where nobody above it has made one: then its threads
        /// are weighed one by one against whole sessions.
        public var autogroup: Int?
        public var isKernelThread: Bool
        public var isStopped: Bool
        public var threads: [Int32]
        /// The directories of its cgroups for CPU and I/O; `nil` where no hierarchy has the controller.
        public var cpuGroup: String?
        public var ioGroup: String?
    }

    public var members: [Member]

    public init(members: [Member]) { self.members = members }

    public var isEmpty: Bool { members.isEmpty }

    var threads: [ThreadIdentity] {
        members.flatMap { member in member.threads.map { ThreadIdentity(process: member.process, tid: $0) } }
    }

    func contains(_ process: ProcessIdentity) -> Bool { members.contains { $0.process == process } }
    func contains(pid: Int32) -> Bool { members.contains { $0.process.pid == pid } }
}
