/// What was counted up to some moment.
protocol Counters: Sendable {
    associatedtype Reading

    /// What happened since an earlier sample, `seconds` (> 0) ago; `nil` when the two cannot be compared because a
    /// counter went backwards.
    func rates(since earlier: Self, seconds: Double) -> Reading?
}

/// Remembers one sample, to compare the next with it.
struct Rates<Sample: Counters>: Sendable {
    private var last: (sample: Sample, time: UInt64)?

    init() {}

    /// Takes a sample at a monotonic time in nanoseconds. The first one has no rates.
    mutating func next(_ sample: Sample, at now: UInt64) -> Sample.Reading? {
        defer { last = (sample, now) }
        guard let last, now > last.time else { return nil }
        return sample.rates(since: last.sample, seconds: Double(now - last.time) / 1e9)
    }
}

/// Subtracts counters, and remembers whether one of them went backwards: after a reset or a wrap nothing can be said
/// about what happened in between, so that the whole reading is dropped and not only the counter where it shows.
struct Growth {
    let seconds: Double
    private(set) var wentBackwards = false

    init(seconds: Double) { self.seconds = seconds }

    mutating func count(_ from: UInt64, _ to: UInt64) -> UInt64 {
        guard to >= from else {
            wentBackwards = true
            return 0
        }
        return to - from
    }

    mutating func perSecond(_ from: UInt64, _ to: UInt64) -> Double { Double(count(from, to)) / seconds }
}
