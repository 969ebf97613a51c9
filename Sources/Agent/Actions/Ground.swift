import Model

/// The host, as far as it decides whether an action would do anything. Read at the edge, so that what follows from it is a
/// function of values.
public struct Ground: Sendable, Hashable, Codable {
    public struct Hierarchy: Sendable, Hashable, Codable {
        /// 1 or 2.
        public var version: Int
        public var mount: String
        /// Version 2: the controllers that children of the root have.
        public var delegated: Set<String> = []
        /// Whether groups have `cpu.idle` (5.15).
        public var hasIdleGroups = false
    }

    public var cores: Int
    /// Whether sessions are weighed against each other (sched_autogroup(7)): then nice values count only inside of one.
    public var hasAutogroups: Bool
    /// Where cgroups with the controller are; `nil` where it is in none.
    public var cpu: Hierarchy?
    public var io: Hierarchy?
    /// Whole disks that hold something, by `major:minor`; without those in memory.
    public var disks: [String: Disk]
    /// Values of /proc/sys by the key's last part.
    public var swappiness: Int?
    public var synCookies: Int?
    public var synBacklog: Int?
    public var finTimeout: Int?

    public struct Disk: Sendable, Hashable, Codable {
        public var name: String
        /// The I/O scheduler: `mq-deadline`, `none`.
        public var scheduler: String
    }
}

/// Whom an action is about, and what it must not touch.
public struct Target: Sendable, Hashable, Codable {
    public var party: Party
    public var victims: Party
    /// The name of somebody else in the sessions that the party is in: an autogroup weighs all of them.
    public var sessionMate: String?
    /// Version 2: the cgroups that the party is in, by directory.
    public var groups: [String: Group] = [:]
    /// The disks that the party keeps busy, by `major:minor`.
    public var disks: [String] = []
    /// Whether it writes through the page cache, so that a flusher does the I/O and its own requests are few.
    public var writesBuffered = false
    /// Cores that it used in the last tick; `nil` if nobody measured it.
    public var cores: Double?

    /// A cgroup of version 2.
    public struct Group: Sendable, Hashable, Codable {
        /// Whether somebody is in it, or below it, who is not of the party.
        public var isShared: Bool
        /// The files with limits, which a group beside it would not have: `memory.max`.
        public var limits: Set<String>
        public var controllers: Set<String>
    }

    /// Of an action about the host.
    static let nobody = Target(party: Party(members: []), victims: Party(members: []))
}

/// Why an action would do nothing here, or hit the wrong ones.
public struct Inapplicable: Error, Hashable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
