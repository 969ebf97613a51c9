import Model

/// One experiment: who is on the stage, what is done to whom, and what KernelSight must say about it. Data, not code: what
/// can be done is a `Part`.
public struct Scenario: Sendable {
    public var name: String
    /// One sentence for the table's reader.
    public var about: String
    /// What must be there first.
    public var props: [Prop] = []
    /// Who suffers, and is measured. A fault without a victim is no fault.
    public var victim: Part?
    /// Who is busy and has nothing to do with it; servers that the others talk to.
    public var bystanders: [Part] = []
    public var fault: [Part]
    /// What is set up when the fault begins, and taken down when it ends.
    public var faultProps: [Prop] = []
    /// How long the fault is on.
    public var seconds = 14.0
    public var expected: [Expected] = []
    /// Whether the victim must measure that it is hurt. It need not where something runs out for whoever comes next, or where
    /// the kernel ends the fault before it can, or makes up for it.
    public var hurtsVictim = true
    /// Seconds that an expected signal may take to be there.
    public var opensWithin = Lab.opensWithin
    /// Types that may come up as well: one fault has several faces, and which of the others shows is chance.
    public var tolerated: Set<SignalType> = []

    /// Nothing above low may come up.
    public var isQuiet: Bool { expected.isEmpty }
}

/// A signal that must open.
public struct Expected: Sendable {
    public enum Blame: Sendable, Equatable {
        /// The first culprit's name starts like this.
        case on(String)
        /// Nobody can be blamed, and nobody is.
        case nobody
    }

    public var type: SignalType
    public var severity: Severity
    public var blame: Blame
    /// Episodes above low of this type that there may be at most.
    public var most: Int

    public init(_ type: SignalType, _ severity: Severity = .medium, blame: Blame, most: Int = .max) {
        self.type = type
        self.severity = severity
        self.blame = blame
        self.most = most
    }
}

/// A program on the stage. `@dir` in an argument is the scenario's directory, `@disk` where a prop's file system is
/// mounted, `@bin` where our own programs stand, `@source` where the sources that they were built from are.
public struct Part: Sendable {
    public var program: String
    public var arguments: [String]
    /// Runs inside the cgroup that a prop has made.
    public var inGroup = false
    /// Seconds on and off, for a fault that comes and goes.
    public var pulse: (on: Double, off: Double)?
    /// Whether it may end before the fault does; whatever else ends early has failed.
    public var mayEnd = false
    /// Waits for this line before the scenario goes on.
    public var isReadyWhen: String?

    public init(_ program: String, _ arguments: [String] = [], inGroup: Bool = false, readyWhen: String? = nil) {
        self.program = program
        self.arguments = arguments
        self.inGroup = inGroup
        isReadyWhen = readyWhen
    }

    /// One of our own workloads, by the name that `faultlab-workload` knows it by and that it shows in `ps`.
    public static func workload(_ name: String, _ arguments: Any..., inGroup: Bool = false) -> Part {
        Part("faultlab-workload", [name] + arguments.map { "\($0)" }, inGroup: inGroup, readyWhen: "ready")
    }

    public static func stress(_ arguments: String, inGroup: Bool = false) -> Part {
        Part("stress-ng", arguments.split(separator: " ").map(String.init), inGroup: inGroup)
    }

    /// fio on the files of the scenario until it is ended, with direct I/O.
    public static func fio(
        _ name: String, in directory: String = "@dir", _ arguments: String, inGroup: Bool = false
    ) -> Part {
        let common = ["--name=\(name)", "--directory=\(directory)", "--direct=1", "--time_based", "--runtime=60"]
        return Part("fio", common + arguments.split(separator: " ").map(String.init), inGroup: inGroup)
    }

    public static func shell(_ script: String) -> Part { Part("sh", ["-c", script]) }

    /// For a part that the fault itself ends.
    public var mortal: Part {
        var part = self
        part.mayEnd = true
        return part
    }

    public func pulsing(on: Double, off: Double) -> Part {
        var part = self
        part.pulse = (on, off)
        return part
    }
}

/// What is set up before and taken down after.
public enum Prop: Sendable, Equatable {
    /// A memory cgroup with a limit: the way to run out of memory without taking the host along.
    case memoryGroup(megabytes: Int)
    /// A file system on a loop device, mounted at `@disk`, that is slow to write to for who is in its cgroup.
    case slowDisk(megabytes: Int, bytesPerSecond: Int)
    /// The disk of the scenario's directory is slow to read from for who is in the group.
    case slowReads(bytesPerSecond: Int)
    /// Swap on compressed memory.
    case zramSwap(megabytes: Int)
    /// One of so many packets to a loopback port is dropped.
    case dropping(port: Int, oneIn: Int)
    /// What a server at a loopback port answers to somebody who knocks from this address gets lost.
    case unreachable(address: String, port: Int)
    /// A setting below `/proc/sys`.
    case sysctl(String, String)
}
