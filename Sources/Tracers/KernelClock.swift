import Glibc
import Model

/// Turns the kernel's monotonic times into wall-clock times. Taken anew each tick, so that a stepped clock moves what is
/// read from then on and nothing else.
struct KernelClock: Sendable {
    /// Now, as `bpf_ktime_get_ns` counts.
    let monotonicNanoseconds: UInt64
    private let offset: Int64

    /// Reads both clocks; of three tries the one that was interrupted least.
    static func now() -> KernelClock {
        func read(_ clock: clockid_t) -> Int64 {
            var time = timespec()
            clock_gettime(clock, &time)
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
        let tries = (0..<3).map { _ in
            let (before, wall, after) = (read(CLOCK_MONOTONIC), read(CLOCK_REALTIME), read(CLOCK_MONOTONIC))
            return (width: after - before, monotonic: after, offset: wall - (before + (after - before) / 2))
        }
        let best = tries.min { $0.width < $1.width } ?? tries[0]
        return KernelClock(monotonicNanoseconds: UInt64(max(0, best.monotonic)), offset: best.offset)
    }

    init(monotonicNanoseconds: UInt64, offset: Int64) {
        self.monotonicNanoseconds = monotonicNanoseconds
        self.offset = offset
    }

    /// The wall-clock time of a kernel time.
    func wall(_ kernelNanoseconds: UInt64) -> Timestamp {
        Timestamp(nanoseconds: Int64(clamping: kernelNanoseconds) &+ offset)
    }
}
