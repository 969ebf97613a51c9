/// When the ticks are due: at `start + n · period` and never at "a period after the last one was done", so that lateness
/// does not add up.
public struct TickSchedule: Sendable, Equatable {
    /// Monotonic nanoseconds.
    public let start: UInt64
    /// Nanoseconds.
    public let period: UInt64
    /// Ticks that were due while the tick before them still ran, and were left out.
    public private(set) var missed: UInt64 = 0
    private var last: UInt64 = 0

    /// A schedule whose tick 0 is `start`. The period is at least 1 ms.
    public init(start: UInt64, period: UInt64 = 1_000_000_000) {
        self.start = start
        self.period = max(period, 1_000_000)
    }

    /// When the next tick is due, in monotonic nanoseconds: the first due time that is not before `now` and was not given
    /// out yet. Call it when a tick's work is done, and sleep until then.
    public mutating func next(after now: UInt64) -> UInt64 {
        let elapsed = now > start ? now - start : 0
        let reached = elapsed / period + (elapsed % period == 0 ? 0 : 1)
        let tick = max(last + 1, reached)
        missed += tick - last - 1
        last = tick
        return start + tick * period
    }
}
