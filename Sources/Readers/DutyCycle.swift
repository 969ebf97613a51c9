/// Keeps a reader from eating the host that it measures: one that used more than 20 ms of CPU time rests until it has
/// used no more than a fiftieth of the time. CPU time and not wall time: on a starving host everything is slow, and that is
/// when its numbers are wanted most.
struct DutyCycle: Sendable {
    private static let free: UInt64 = 20_000_000
    private static let share: UInt64 = 50

    private var restUntil: UInt64 = 0

    /// Nanoseconds until it may run again; 0 for now.
    func rest(at now: UInt64) -> UInt64 { restUntil > now ? restUntil - now : 0 }

    /// Notes a run that began at `start` and took `cpu` nanoseconds of CPU time.
    mutating func ran(at start: UInt64, cpu: UInt64) {
        restUntil = cpu > Self.free ? start &+ cpu &* Self.share : 0
    }
}
