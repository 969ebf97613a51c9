import Glibc
import Model
import Readers
import Store
import Tracers

/// One tick's worth of looking: the tracers first, because their counts run on, then /proc.
struct Measurement: ~Copyable {
    private let tracers: Tracers
    private var readers: HostReader
    private var previous: UInt64?

    init(tracers: Tracers, readers: consuming HostReader) {
        self.tracers = tracers
        self.readers = readers
    }

    /// Measures now.
    mutating func take() -> Tick {
        let now = MonotonicClock.now()
        let traced = tracers.read()
        let busiest = traced.processes
            .filter { !$0.exited }
            .greatest(16) { Double($0.scheduling?.cpuNanoseconds ?? 0) }
        let host = readers.read(
            watching: busiest.map(\.identity.pid), fileLocks: traced.syscalls?.hasFileLockWaits ?? false)
        let interval = previous.map { Double(now - $0) / 1e9 } ?? 0
        previous = now
        var tick = Tick(
            time: .now, interval: interval, uptime: Self.uptime(),
            cores: max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), host: host, syscalls: traced.syscalls,
            scheduler: traced.scheduler, pageFaults: traced.pageFaults, blockIO: traced.blockIO,
            processes: ProcessActivity.merge(traced: traced.processes, read: host.processes ?? []))
        tick.sampled = traced.sampled
        return tick
    }

    /// Seconds since boot, with those of sleep.
    private static func uptime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
