/// Whether data can stand for the present.
public struct Freshness: Sendable, Equatable {
    /// Seconds since the newest data, negative when they lie in the future; `nil` when nothing has been written yet.
    public let age: Double?
    private let limit: Double

    /// - Parameters:
    ///   - newest: The time of the newest data; 0 before the first.
    ///   - limit: Seconds.
    public init(of newest: Timestamp, at now: Timestamp, limit: Double) {
        age = newest.nanoseconds == 0 ? nil : now.seconds(since: newest)
        self.limit = limit
    }

    /// Also when the data lie in the future: after the clock was set back, a collector that runs has written with the new
    /// time within a second.
    public var isStale: Bool { age.map { abs($0) > limit } ?? true }

    /// Why the data are stale and what to do, in a sentence; `nil` when they are not.
    public var reason: String? {
        guard isStale else { return nil }
        guard let age else { return "The collector has not written yet; see its log if this lasts." }
        let seconds = Int64(exactly: abs(age).rounded(.towardZero)) ?? .max
        return age < 0
            ? "The newest data is dated \(seconds) s in the future: the clock was set back, and the collector has not "
                + "written since; start kernelsight-collector, or see its log."
            : "The newest data is \(seconds) s old; start kernelsight-collector, or see its log."
    }
}
