import Glibc
import Model

/// What is usual for one metric, learned a value a tick, as a whole and by the hour of the day.
///
/// What was learned fades: a value counts seven tenths of what it did a day before, so that a change of what is usual is
/// known after some days. Ticks in which something was wrong must not be learned: that is the caller's to know.
public struct Baseline: Sendable, Hashable, Codable {
    /// Values (seconds, at a tick a second) from which on something may be said to be usual.
    public static let leastValues = 900.0
    /// Of one hour of the day, and of all of them, before that hour is compared with itself.
    public static let leastValuesOfHour = 1800.0
    public static let leastValuesOfDay = 72_000.0
    /// What a value counts after a day.
    static let dailyFading = 0.7

    private var whole = ValueSketch()
    private var hours = [ValueSketch](repeating: ValueSketch(), count: 24)
    /// The hour since the epoch of the latest value.
    private var hour: Int64?
    /// The hour since the epoch in which each hour of the day was last learned.
    private var learned = [Int64](repeating: 0, count: 24)
    /// Values learned in all, faded or not.
    private var values = 0.0

    public init() {}

    /// Learns the value of one tick; without hours only as a whole, which takes a twentieth of the room.
    public mutating func learn(_ value: Double, at time: Timestamp, byHour: Bool = true) {
        let now = time.seconds / 3600
        let slot = Self.slot(of: time)
        if let hour, now > hour { whole.age(by: pow(Self.dailyFading, Double(now - hour) / 24)) }
        // A clock that was set back ages nothing.
        hour = max(hour ?? now, now)
        whole.add(value)
        values += 1
        guard byHour else { return }
        if learned[slot] > 0, now > learned[slot] {
            hours[slot].age(by: pow(Self.dailyFading, Double(now - learned[slot]) / 24))
        }
        learned[slot] = max(learned[slot], now)
        hours[slot].add(value)
    }

    /// What is usual at this time of the day, or in general while that hour is not known well enough; `nil` before there is
    /// enough to say.
    public func usual(at time: Timestamp) -> Usual? {
        let slot = Self.slot(of: time)
        if values >= Self.leastValuesOfDay, hours[slot].count >= Self.leastValuesOfHour,
            let profile = Profile(hours[slot])
        {
            return Usual(profile: profile, hour: slot)
        }
        guard whole.count >= Self.leastValues, let profile = Profile(whole) else { return nil }
        return Usual(profile: profile, hour: nil)
    }

    /// What a metric is compared with.
    public struct Usual: Sendable, Hashable {
        public var profile: Profile
        /// The hour of the day in UTC that it is of, or `nil` when it is of all of them.
        public var hour: Int?
    }

    private static func slot(of time: Timestamp) -> Int { Int((time.seconds / 3600 % 24 + 24) % 24) }
}
