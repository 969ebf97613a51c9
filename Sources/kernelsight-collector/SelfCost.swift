import Glibc
import Model

/// What the collector uses, by the kernel's account of it.
struct SelfCost {
    /// The collector as a process among others.
    static let identity = ProcessIdentity(pid: getpid(), startTicks: startTicks())

    /// CPU time between the last two measurements, in percent of one core; `nil` before the second.
    private(set) var cpuPercent: Double?
    private(set) var residentBytes: UInt64 = 0
    /// How long the last tick took from waking up to handing over its record.
    var tickMicroseconds: Double = 0

    private var measured: (cpu: Double, monotonic: Double)?

    /// Measures again.
    mutating func measure(monotonic: Double) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
        if let measured, monotonic > measured.monotonic {
            cpuPercent = 100 * (cpu - measured.cpu) / (monotonic - measured.monotonic)
        }
        measured = (cpu, monotonic)
        residentBytes = Self.residentPages() * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func residentPages() -> UInt64 { field(1, of: "/proc/self/statm") }

    /// Field 22 of `/proc/self/stat`; our own name has no spaces.
    private static func startTicks() -> UInt64 { field(21, of: "/proc/self/stat") }

    private static func field(_ index: Int, of path: String) -> UInt64 {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
            let count = read(descriptor, buffer.baseAddress, 1024)
            guard count > 0 else { return 0 }
            let fields = buffer[..<count].split(separator: UInt8(ascii: " "))
            return fields.count > index ? UInt64(String(decoding: fields[index], as: UTF8.self)) ?? 0 : 0
        }
    }
}
