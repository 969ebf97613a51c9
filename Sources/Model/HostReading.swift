/// What the /proc and /sys readers found in one tick. Counters have become rates per second; a counter that went
/// backwards (reset, wrap, device replaced) gives no rate in that tick. A part is `nil` when its reader failed, has no
/// previous sample yet, or the kernel does not offer it.
public struct HostReading: Sendable {
    public var cpu: CPUReading?
    public var load: LoadReading?
    public var pressure: PressureReading?
    public var memory: MemoryReading?
    public var vm: VMReading?
    public var disks: [DiskReading]?
    public var interfaces: [InterfaceReading]?
    public var tcp: TCPReading?
    public var sockets: SocketReading?
    /// Those who wait for a file lock at this moment, where its holder is known; `nil` unless that was asked for.
    public var fileLocks: [FileLockWait]?
    /// The top consumers by CPU time, faults, I/O and memory, and those that were asked for; in no order.
    public var processes: [ProcessReading]?
    /// How each reader fared, in reading order.
    public var readers: [ReaderTiming]

    public init(readers: [ReaderTiming] = []) { self.readers = readers }
}

/// One reader's run.
public struct ReaderTiming: Sendable, Equatable {
    public var name: String
    public var nanoseconds: UInt64
    /// What went wrong, or `nil`.
    public var error: String?

    public init(name: String, nanoseconds: UInt64, error: String? = nil) {
        self.name = name
        self.nanoseconds = nanoseconds
        self.error = error
    }
}

/// `/proc/stat`.
public struct CPUReading: Sendable, Equatable {
    /// Shares of time (0–1) that sum to 1.
    public struct Shares: Sendable, Equatable {
        public var user: Double = 0
        public var nice: Double = 0
        public var system: Double = 0
        public var idle: Double = 0
        public var iowait: Double = 0
        public var irq: Double = 0
        public var softirq: Double = 0
        public var steal: Double = 0

        public init() {}

        /// Time not spent idle or waiting for I/O.
        public var busy: Double { max(0, 1 - idle - iowait) }
    }

    public var total: Shares
    /// Online cores by number.
    public var cores: [Int: Shares]
    /// What the rates are over: the reader's own time between two samples.
    public var seconds: Double = 0
    public var contextSwitchesPerSecond: Double
    public var forksPerSecond: Double
    public var running: Int
    public var blocked: Int

    public init(
        total: Shares = Shares(), cores: [Int: Shares] = [:], contextSwitchesPerSecond: Double = 0,
        forksPerSecond: Double = 0, running: Int = 0, blocked: Int = 0
    ) {
        self.total = total
        self.cores = cores
        self.contextSwitchesPerSecond = contextSwitchesPerSecond
        self.forksPerSecond = forksPerSecond
        self.running = running
        self.blocked = blocked
    }
}

/// `/proc/loadavg`.
public struct LoadReading: Sendable, Equatable {
    public var oneMinute: Double
    public var fiveMinutes: Double
    public var fifteenMinutes: Double
    public var running: Int
    public var total: Int

    public init(
        oneMinute: Double = 0, fiveMinutes: Double = 0, fifteenMinutes: Double = 0, running: Int = 0, total: Int = 0
    ) {
        self.oneMinute = oneMinute
        self.fiveMinutes = fiveMinutes
        self.fifteenMinutes = fifteenMinutes
        self.running = running
        self.total = total
    }
}

/// `/proc/pressure/*`: stalls as shares of the tick (0–1), from the `total` counters and not from the slow averages.
public struct PressureReading: Sendable, Equatable {
    public struct Stall: Sendable, Equatable {
        /// At least one task stalled, and all non-idle tasks stalled at once.
        public var some: Double
        public var full: Double

        public init(some: Double = 0, full: Double = 0) {
            self.some = some
            self.full = full
        }
    }

    public var cpu: Stall
    public var memory: Stall
    public var io: Stall

    public init(cpu: Stall = Stall(), memory: Stall = Stall(), io: Stall = Stall()) {
        self.cpu = cpu
        self.memory = memory
        self.io = io
    }
}

/// `/proc/meminfo`, in bytes.
public struct MemoryReading: Sendable, Equatable {
    public var total: UInt64 = 0
    public var free: UInt64 = 0
    public var available: UInt64 = 0
    public var buffers: UInt64 = 0
    public var cached: UInt64 = 0
    public var active: UInt64 = 0
    public var inactive: UInt64 = 0
    public var anonymous: UInt64 = 0
    public var dirty: UInt64 = 0
    public var writeback: UInt64 = 0
    public var slab: UInt64 = 0
    public var swapTotal: UInt64 = 0
    public var swapFree: UInt64 = 0

    public init() {}

    /// Share of memory that cannot be had without stalls (0–1).
    public var usedShare: Double { total == 0 ? 0 : 1 - Double(min(available, total)) / Double(total) }
    /// Share of swap in use (0–1); 0 without swap.
    public var swapUsedShare: Double { swapTotal == 0 ? 0 : 1 - Double(min(swapFree, swapTotal)) / Double(swapTotal) }
}

/// `/proc/vmstat`, per second.
public struct VMReading: Sendable, Equatable {
    /// What the rates are over: the reader's own time between two samples.
    public var seconds: Double = 0
    public var faultsPerSecond: Double = 0
    public var majorFaultsPerSecond: Double = 0
    /// Pages.
    public var swapInPerSecond: Double = 0
    public var swapOutPerSecond: Double = 0
    /// Pages looked at by tasks that had to reclaim for themselves, and by kswapd.
    public var directScanPerSecond: Double = 0
    public var kswapdScanPerSecond: Double = 0
    public var directStealPerSecond: Double = 0
    public var kswapdStealPerSecond: Double = 0
    /// Pages that were taken from a cgroup for its own sake, most of them by its tasks at its limit. `nil` before Linux 5.8; 0
    /// where the kernel counts them among the others.
    public var limitStealPerSecond: Double?
    /// Times that an allocation had to wait for reclaim (all zones).
    public var allocationStallsPerSecond: Double = 0
    /// File pages that came back after they were evicted.
    public var refaultsPerSecond: Double = 0
    /// Processes that the OOM killer ended in this tick.
    public var oomKills: UInt64 = 0

    public init() {}
}

/// One device of `/proc/diskstats`; partitions, idle loop and ram devices are left out.
public struct DiskReading: Sendable, Equatable {
    public var name: String
    public var major: Int
    public var minor: Int
    /// Whether it lies on other devices that are listed too (device mapper, md, loop), so that what it moves is moved twice.
    public var isStacked = false
    /// What the rates are over: the reader's own time between two samples.
    public var seconds: Double = 0
    public var readsPerSecond: Double = 0
    public var writesPerSecond: Double = 0
    public var readBytesPerSecond: Double = 0
    public var writeBytesPerSecond: Double = 0
    /// Mean over the tick, queueing included, in milliseconds; `nil` when nothing completed.
    public var readMilliseconds: Double?
    public var writeMilliseconds: Double?
    /// Share of the tick with a request in flight (0–1).
    public var busy: Double = 0
    /// Mean requests in flight over the tick, by time in queue.
    public var queueDepth: Double = 0
    /// Requests in flight now.
    public var inFlight: Int = 0

    public init(name: String, major: Int, minor: Int) {
        self.name = name
        self.major = major
        self.minor = minor
    }
}

/// One interface of `/proc/net/dev`, per second.
public struct InterfaceReading: Sendable, Equatable {
    public var name: String
    /// What the rates are over: the reader's own time between two samples.
    public var seconds: Double = 0
    public var receivedBytesPerSecond: Double = 0
    public var sentBytesPerSecond: Double = 0
    public var receivedPacketsPerSecond: Double = 0
    public var sentPacketsPerSecond: Double = 0
    public var receiveErrorsPerSecond: Double = 0
    public var sendErrorsPerSecond: Double = 0
    public var receiveDropsPerSecond: Double = 0
    public var sendDropsPerSecond: Double = 0

    public init(name: String) { self.name = name }
}

/// `/proc/net/snmp` and `/proc/net/netstat`, found by header name, per second.
public struct TCPReading: Sendable, Equatable {
    /// What the rates are over: the reader's own time between two samples.
    public var seconds: Double = 0
    public var outSegmentsPerSecond: Double = 0
    public var retransmitsPerSecond: Double = 0
    public var listenOverflowsPerSecond: Double = 0
    public var listenDropsPerSecond: Double = 0
    public var synRetransmitsPerSecond: Double = 0
    public var timeoutsPerSecond: Double = 0
    /// SYNs that found a listener's queue full and were answered with a cookie; 0 where every SYN is (`tcp_syncookies` 2).
    public var synCookiesPerSecond: Double = 0
    public var activeOpensPerSecond: Double = 0
    public var passiveOpensPerSecond: Double = 0
    public var attemptFailsPerSecond: Double = 0
    public var resetsSentPerSecond: Double = 0

    public init() {}
}

/// TCP sockets by state, counted over netlink.
public struct SocketReading: Sendable, Equatable {
    public var established: Int = 0
    public var synSent: Int = 0
    public var synReceived: Int = 0
    public var finWait1: Int = 0
    public var finWait2: Int = 0
    public var timeWait: Int = 0
    public var close: Int = 0
    public var closeWait: Int = 0
    public var lastAck: Int = 0
    public var listen: Int = 0
    public var closing: Int = 0
    /// Where local ports are nearest to run out; `nil` while there are not enough connections for that anywhere.
    public var localPorts: LocalPortReading?
    /// Who has most of the sockets in CLOSE_WAIT; `nil` while they are few, and when nobody can be told.
    public var closeWaitOwner: SocketOwner?

    public init() {}
}

/// A process that waits for a file lock (flock, fcntl) that another one holds, from `/proc/locks`.
public struct FileLockWait: Sendable, Equatable {
    public var waiter: Int32
    public var holder: ProcessIdentity
    /// The holder's name, parent and process group.
    public var comm: String
    public var parent: Int32
    public var processGroup: Int32

    public init(waiter: Int32, holder: ProcessIdentity, comm: String, parent: Int32 = 0, processGroup: Int32) {
        self.waiter = waiter
        self.holder = holder
        self.comm = comm
        self.parent = parent
        self.processGroup = processGroup
    }
}

/// The local ports that one local address has in use towards one address and port. The same port can serve another
/// destination at the same time, so that ports run out for each on its own.
public struct LocalPortReading: Sendable, Equatable {
    /// `10.0.0.5`, and `10.0.0.9:5432` or `[fd00::9]:5432`.
    public var source: String
    public var destination: String
    /// Ports that a new connection cannot have, and how many of them are only in TIME_WAIT.
    public var taken: Int
    public var timeWait: Int
    /// Ports of `ip_local_port_range`.
    public var range: Int

    public init(source: String, destination: String, taken: Int, timeWait: Int, range: Int) {
        self.source = source
        self.destination = destination
        self.taken = taken
        self.timeWait = timeWait
        self.range = range
    }

    public var share: Double { range > 0 ? Double(taken) / Double(range) : 0 }
}

/// A process that has sockets open.
public struct SocketOwner: Sendable, Equatable {
    public var identity: ProcessIdentity
    public var comm: String
    public var cgroup: String
    /// Its sockets, and how many there were in all when it was looked for.
    public var count: Int
    public var total: Int

    public init(identity: ProcessIdentity, comm: String, cgroup: String = "", count: Int, total: Int) {
        self.identity = identity
        self.comm = comm
        self.cgroup = cgroup
        self.count = count
        self.total = total
    }

    public var share: Double { total > 0 ? min(Double(count) / Double(total), 1) : 0 }
}

/// `/proc/PID` of one of the top consumers.
public struct ProcessReading: Sendable, Equatable, Hashable {
    public var identity: ProcessIdentity
    public var parent: Int32 = 0
    public var processGroup: Int32 = 0
    public var session: Int32 = 0
    /// As in `ProcessActivity`.
    public var workerOf: Int32 = 0
    public var comm: String
    /// One letter, as in `/proc/PID/stat`: R, S, D, Z, T, I.
    public var state: String = "S"
    public var threads: Int = 1
    public var isKernelThread: Bool = false
    /// Whether its first thread asked to come last: see `CPUPriority`.
    public var comesLast: Bool = false
    /// CPU time in this tick as a share of one core: 1.5 is one and a half cores.
    public var cpuShare: Double = 0
    public var residentBytes: UInt64 = 0
    /// The part of it that others may map as well: files and shared memory. 0 where little is resident at all.
    public var sharedBytes: UInt64 = 0
    /// What it has in swap. 0 while no pages come back from swap: it is not asked for.
    public var swappedBytes: UInt64 = 0
    public var minorFaultsPerSecond: Double = 0
    public var majorFaultsPerSecond: Double = 0
    /// Bytes that reached (or will reach) storage, from `/proc/PID/io`; `nil` without the privilege to read it.
    public var readBytesPerSecond: Double?
    public var writeBytesPerSecond: Double?
    /// Bytes that read calls returned, from page cache, devices, pipes and sockets alike; from the same file.
    public var readCallBytesPerSecond: Double?
    /// cgroup path, v2 where there is one, else the v1 path of the cpu controller.
    public var cgroup: String = "/"

    public init(identity: ProcessIdentity, comm: String) {
        self.identity = identity
        self.comm = comm
    }
}
