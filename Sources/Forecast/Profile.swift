import Model

/// What is usual for a metric: order statistics of its values, and how much they vary.
public struct Profile: Sendable, Hashable {
    /// Values that it rests on, the aged ones counting less.
    public var count: Double
    public var minimum: Double
    public var p25: Double
    public var median: Double
    public var p75: Double
    public var p95: Double
    public var p99: Double
    public var maximum: Double
    public var mean: Double
    /// The standard deviation by the mean; `nil` when the mean is 0.
    public var variation: Double?

    /// `nil` when nothing was measured.
    public init?(_ sketch: ValueSketch) {
        guard let moments = sketch.moments else { return nil }
        func quantile(_ share: Double) -> Double { sketch.quantile(share) ?? 0 }
        count = sketch.count
        minimum = quantile(0)
        p25 = quantile(0.25)
        median = quantile(0.5)
        p75 = quantile(0.75)
        p95 = quantile(0.95)
        p99 = quantile(0.99)
        maximum = quantile(1)
        mean = moments.mean
        variation = moments.mean > 0 ? moments.deviation / moments.mean : nil
    }

    public var volatility: Volatility? { variation.map(Volatility.init) }
}

/// How much a metric varies, by its coefficient of variation.
public enum Volatility: String, Sendable, CaseIterable {
    case low, medium, high
    case veryHigh = "very_high"

    /// Below 0.2, 0.5, 1, and beyond.
    public init(_ variation: Double) {
        self = variation < 0.2 ? .low : variation < 0.5 ? .medium : variation < 1 ? .high : .veryHigh
    }
}

/// How events follow each other, by the coefficient of variation of the times between them.
public enum TemporalPattern: String, Sendable, CaseIterable {
    case constant, periodic, sporadic, burst

    /// Below 0.3, 0.7, 1.5, and beyond; `nil` with fewer than three events, which have fewer than two gaps.
    public init?(_ times: [Timestamp]) {
        let gaps = zip(times.dropFirst(), times).map { $0.seconds(since: $1) }
        guard gaps.count >= 2 else { return nil }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        guard mean > 0 else { return nil }
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        let variation = variance.squareRoot() / mean
        self = variation < 0.3 ? .constant : variation < 0.7 ? .periodic : variation < 1.5 ? .sporadic : .burst
    }
}
