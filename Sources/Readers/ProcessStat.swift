import Glibc
import Model

/// `/proc/PID/stat`.
public struct ProcessStat: Equatable, Sendable {
    public var identity: ProcessIdentity
    /// Up to 15 bytes that anybody may choose; invalid UTF-8 is repaired.
    public var comm: String
    public var state: String
    public var parent: Int32
    public var processGroup: Int32
    public var session: Int32
    public var isKernelThread: Bool
    /// Whether it was forked and has not executed a program since.
    public var hasNotExecuted: Bool
    var minorFaults: UInt64
    var majorFaults: UInt64
    /// User and system time of all threads, ended ones included, in clock ticks.
    var cpuTicks: UInt64
    public var threads: Int
    var residentPages: UInt64
    /// The leader's.
    var priority: CPUPriority

    /// Field numbers are proc(5)'s. The name may hold anything, `)` and newlines too: it ends at the last `)`.
    public init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        guard let pid = file.number().flatMap(Int32.init(exactly:)), file.word(upTo: UInt8(ascii: "(")) != nil,
            let comm = file.word(upToLast: UInt8(ascii: ")")), let state = file.word(),  // 3
            let parent = file.signed32(), let processGroup = file.signed32(), let session = file.signed32(),  // 6
            file.word() != nil, file.word() != nil,  // tty_nr, tpgid
            let flags = file.number(), let minorFaults = file.number(), file.word() != nil,  // 11
            let majorFaults = file.number(), file.word() != nil,  // 13
            let userTicks = file.number(), let systemTicks = file.number(),  // 15
            file.word() != nil, file.word() != nil, file.word() != nil, let nice = file.signed32(),  // 19
            let threads = file.count(), file.word() != nil,  // 21
            let start = file.number(), file.word() != nil, let residentPages = file.number()  // 24
        else { return nil }
        identity = ProcessIdentity(pid: pid, startTicks: start)
        self.comm = comm.text
        self.state = state.text
        self.parent = parent
        self.processGroup = processGroup
        self.session = session
        isKernelThread = flags & Self.kernelThread != 0
        hasNotExecuted = flags & Self.forkedOnly != 0
        self.minorFaults = minorFaults
        self.majorFaults = majorFaults
        cpuTicks = userTicks &+ systemTicks
        self.threads = threads
        self.residentPages = residentPages
        for _ in 25...40 { _ = file.word() }
        priority = CPUPriority(nice: Int(nice), policy: file.number().flatMap(UInt32.init(exactly:)) ?? 0)
    }

    /// `PF_KTHREAD`.
    private static let kernelThread: UInt64 = 0x0020_0000
    /// `PF_FORKNOEXEC`.
    private static let forkedOnly: UInt64 = 0x0000_0040
}

extension Scanner {
    /// The next word as a number that may be negative: the process group of a dead task is -1.
    fileprivate mutating func signed32() -> Int32? {
        guard let word = word() else { return nil }
        if let digits = word.dropping(prefix: "-") { return digits.number.flatMap(Int32.init(exactly:)).map { -$0 } }
        return word.number.flatMap(Int32.init(exactly:))
    }
}

/// What `/proc/PID/io` says of storage and of read calls.
struct ProcessIO: Equatable {
    var readBytes: UInt64 = 0
    /// What was written less what was cut off again before it reached the device.
    var writeBytes: UInt64 = 0
    /// What read calls returned, wherever it came from.
    var readCallBytes: UInt64 = 0

    init() {}

    mutating func add(_ other: ProcessIO) {
        readBytes &+= other.readBytes
        writeBytes &+= other.writeBytes
        readCallBytes &+= other.readCallBytes
    }

    /// Without what children did that have ended, as far as it is in here: it is not before their parent waits for them.
    func without(_ children: ProcessIO, since last: ProcessIO) -> ProcessIO {
        func less(_ now: UInt64, _ before: UInt64, _ part: UInt64) -> UInt64 {
            now < before ? now : now - min(part, now - before)
        }
        var own = self
        own.readBytes = less(readBytes, last.readBytes, children.readBytes)
        own.writeBytes = less(writeBytes, last.writeBytes, children.writeBytes)
        own.readCallBytes = less(readCallBytes, last.readCallBytes, children.readCallBytes)
        return own
    }

    /// Bytes per second.
    struct Rates {
        var read: Double
        var written: Double
        var readCalls: Double
    }

    func rates(since earlier: ProcessIO, seconds: Double) -> Rates? {
        var growth = Growth(seconds: seconds)
        let rates = Rates(
            read: growth.perSecond(earlier.readBytes, readBytes),
            written: growth.perSecond(earlier.writeBytes, writeBytes),
            readCalls: growth.perSecond(earlier.readCallBytes, readCallBytes))
        return growth.wentBackwards ? nil : rates
    }

    init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        var cancelled: UInt64 = 0
        var found = 0
        while var line = file.line() {
            guard let key = line.word(), let value = line.number() else { continue }
            switch key {
            case "read_bytes:":
                readBytes = value
                found += 1
            case "write_bytes:":
                writeBytes = value
                found += 1
            case "rchar:": readCallBytes = value
            case "cancelled_write_bytes:": cancelled = value
            default: break
            }
        }
        guard found == 2 else { return nil }
        writeBytes -= min(cancelled, writeBytes)
    }
}

extension ProcessReading {
    mutating func take(_ rates: ProcessIO.Rates?) {
        readBytesPerSecond = rates?.read
        writeBytesPerSecond = rates?.written
        readCallBytesPerSecond = rates?.readCalls
    }
}

/// `/proc/PID/statm` and `/proc/PID/status`.
enum ProcessMemory {
    /// `size resident shared text lib data dt`, in pages; shared are those of files and of shared memory.
    static func sharedPages(parsing bytes: UnsafeRawBufferPointer) -> UInt64? {
        var file = Scanner(bytes)
        guard file.number() != nil, file.number() != nil else { return nil }
        return file.number()
    }

    /// `VmSwap` of `/proc/PID/status`; kernel threads have none.
    static func swappedBytes(parsing status: UnsafeRawBufferPointer) -> UInt64? {
        var file = Scanner(status)
        while var line = file.line() {
            guard let key = line.word(), "VmSwap:" ~= key else { continue }
            return line.number().map { $0 << 10 }
        }
        return nil
    }
}

/// Where `/proc/PID/cgroup` says that a process lives.
enum CgroupPath {
    /// The v2 path; where that is only the root because the controllers live in v1, the path of the cpu controller, or of
    /// the memory controller where only memory is limited.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> String? {
        var file = Scanner(bytes)
        var unified: String?
        var cpu: String?
        var memory: String?
        while var line = file.line() {
            guard let hierarchy = line.word(upTo: UInt8(ascii: ":")),
                let controllers = line.word(upTo: UInt8(ascii: ":"))
            else { continue }
            if "0" ~= hierarchy {
                unified = line.rest.text
                continue
            }
            for controller in controllers.bytes.split(separator: UInt8(ascii: ",")) {
                let name = Word(UnsafeRawBufferPointer(rebasing: controller))
                if "cpu" ~= name { cpu = line.rest.text }
                if "memory" ~= name { memory = line.rest.text }
            }
        }
        return [unified, cpu, memory].compactMap(\.self).first { $0 != "/" } ?? cpu ?? unified
    }
}
