import Model

/// Whether and how the measurements of a window can be carried on.
public struct Outlook: Sendable, Hashable {
    /// Minutes of measurements that are looked at when nothing else is said.
    public static let window = 30.0
    /// Points that a line needs at least.
    public static let leastPoints = 3
    /// A forecast reaches over this many times the time that was measured, at most.
    public static let reach = 2.0
    /// The newest measurement may be this old, in seconds: two steps of the one-minute series.
    public static let freshness = 120.0

    public var trend: Trend
    public var projection: Projection

    /// Projects what was measured up to `now`. Throws why that cannot be done.
    ///
    /// The test of whether the data carry a forecast is its own band: where that is wider than the way from the lowest
    /// threshold to the highest, the answer could be anything. A metric that stays where it is passes, although a line
    /// explains nothing of it.
    public init(
        _ points: [Trend.Point], now: Timestamp, minutes: Double, thresholds: Bands, slope: Double? = nil,
        range: ClosedRange<Double>
    ) throws(ForecastRefusal) {
        guard let trend = Trend(points) else {
            throw .tooFewPoints(count: points.count, needed: Self.leastPoints)
        }
        let age = now.seconds(since: trend.end)
        guard age <= Self.freshness else { throw .stale(seconds: age) }
        guard minutes <= Self.reach * trend.minutes else {
            throw .windowTooShort(minutes: trend.minutes, longest: Self.reach * trend.minutes)
        }
        let scatter = trend.halfWidth(after: minutes)
        let scale = thresholds.critical - thresholds.low
        guard scatter <= scale else { throw .tooUncertain(scatter: scatter, scale: scale) }
        self.trend = trend
        projection = Projection(trend, minutes: minutes, thresholds: thresholds, slope: slope, range: range)
    }
}

/// Why nothing can be said about what is to come.
public enum ForecastRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Fewer points than a line needs.
    case tooFewPoints(count: Int, needed: Int)
    /// The last measurement is old: the metric is not measured any more.
    case stale(seconds: Double)
    /// The window holds too little time for what was asked.
    case windowTooShort(minutes: Double, longest: Double)
    /// The band at the end is wider than the whole scale from low to critical.
    case tooUncertain(scatter: Double, scale: Double)

    public var description: String {
        switch self {
        case .tooFewPoints(let count, let needed):
            "There are \(count) measurements in the window, \(needed) are needed; wait until there are more."
        case .stale(let seconds):
            "The last measurement is \(Int(min(seconds, 1e9))) seconds old; is kernelsight-collector running?"
        case .windowTooShort(let minutes, let longest):
            "There are \(Self.short(minutes)) minutes of measurements; they carry a forecast of at most \(Self.short(longest)) minutes."
        case .tooUncertain(let scatter, let scale):
            "The measurements scatter too much: the forecast would be right to ±\(Self.short(scatter)) only, and from low to critical it is \(Self.short(scale))."
        }
    }

    private static func short(_ value: Double) -> String {
        value.magnitude < 1e9 ? "\((value * 100).rounded() / 100)" : "\(value)"
    }
}
