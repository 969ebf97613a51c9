import Glibc

/// The clock that intervals are measured with: it never steps, and stands still while the machine sleeps.
public enum MonotonicClock {
    /// Nanoseconds since some moment before the start of this process.
    @Sendable public static func now() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// CPU time of the calling thread, in nanoseconds.
    @Sendable public static func threadCPU() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
