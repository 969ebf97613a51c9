import Model

/// Whether the wall clock may be believed when it makes rows look old. One that is set forward makes all of them look old
/// at once, so nothing is deleted for its age until the time has stood for a while: after a jump, and after a start, when
/// nobody knows whether it jumped.
struct ClockTrust {
    /// How far ticks and the monotonic clock may run apart between two looks, in seconds: a late commit, a slewed clock.
    static let tolerance = 60.0

    private let hold: Duration
    private var last: (tick: Timestamp, monotonic: Monotonic)?
    private var heldUntil = Monotonic(nanoseconds: 0)

    init(hold: Duration) { self.hold = hold }

    /// Takes the newest tick at a reading of the monotonic clock. Returns for how many seconds from then on nothing may be
    /// deleted for its age, or `nil` when the clock is believed.
    mutating func look(at tick: Timestamp, _ now: Monotonic) -> Double? {
        if let last {
            if tick != last.tick {
                let apart = tick.seconds(since: last.tick) - now.seconds(since: last.monotonic)
                if abs(apart) > Self.tolerance { heldUntil = now + hold }
                self.last = (tick, now)
            }
        } else {
            heldUntil = now + hold
            last = (tick, now)
        }
        return now < heldUntil ? heldUntil.seconds(since: now) : nil
    }
}
