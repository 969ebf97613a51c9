import Model

/// Where a metric goes if nothing changes: the trend carried on, with its band and the times at which it meets thresholds.
public struct Projection: Sendable, Hashable {
    public struct Crossing: Sendable, Hashable {
        public var severity: Severity
        public var threshold: Double
        /// Minutes from now: 0 when the threshold is behind already, `nil` when it is not met within the horizon.
        public var minutes: Double?
    }

    public struct Moment: Sendable, Hashable {
        public var minutes: Double
        public var value: Double
        public var lower: Double
        public var upper: Double
        /// The severity that the value has by the thresholds.
        public var severity: Severity?
    }

    public var current: Double
    public var projected: Double
    public var lower: Double
    public var upper: Double
    /// Units per minute that it goes on with.
    public var slope: Double
    public var minutes: Double
    public var crossings: [Crossing]
    /// Now, the end, and between them the crossings and enough points to draw a line.
    public var timeline: [Moment]
    /// The severity at the end, or the highest that the band reaches by then when the trend is sure of itself.
    public var risk: Severity?

    /// Carries a trend on.
    ///
    /// - Parameters:
    ///   - slope: Units per minute to assume instead of the trend's own.
    ///   - range: Where the metric can lie at all: a share stays between 0 and 1.
    public init(
        _ trend: Trend, minutes: Double, thresholds: Bands, slope custom: Double? = nil,
        range: ClosedRange<Double> = 0 ... .greatestFiniteMagnitude
    ) {
        let slope = custom ?? trend.slope
        func within(_ value: Double) -> Double { min(max(value, range.lowerBound), range.upperBound) }
        func moment(_ after: Double) -> Moment {
            let value = trend.current + slope * after
            let half = trend.halfWidth(after: after)
            return Moment(
                minutes: after, value: within(value), lower: within(value - half), upper: within(value + half),
                severity: thresholds.severity(of: within(value)))
        }
        let levels: [(Severity, Double)] = [
            (.low, thresholds.low), (.medium, thresholds.medium), (.high, thresholds.high),
            (.critical, thresholds.critical),
        ]
        crossings = levels.map { severity, threshold in
            if trend.current >= threshold { return Crossing(severity: severity, threshold: threshold, minutes: 0) }
            let after = slope > 0 ? (threshold - trend.current) / slope : .infinity
            let isMet = after <= minutes && threshold <= range.upperBound
            return Crossing(severity: severity, threshold: threshold, minutes: isMet ? after : nil)
        }
        let steps = (0...12).map { Double($0) / 12 * minutes }
        let met = crossings.compactMap(\.minutes).filter { $0 > 0 }
        timeline = Set(steps + met).sorted().map(moment)
        let end = moment(minutes)
        current = within(trend.current)
        projected = end.value
        lower = end.lower
        upper = end.upper
        self.slope = slope
        self.minutes = minutes
        risk = trend.confidence == .high ? thresholds.severity(of: end.upper) : end.severity
    }
}
