import Glibc
import Model

/// A straight line through the values of a window, by least squares.
public struct Trend: Sendable, Hashable {
    public enum Confidence: String, Sendable, CaseIterable { case low, medium, high }

    public struct Point: Sendable, Hashable, Codable {
        public var time: Timestamp
        public var value: Double

        public init(_ time: Timestamp, _ value: Double) {
            self.time = time
            self.value = value
        }
    }

    /// Points that the line goes through, at least three.
    public var count: Int
    /// Units per minute.
    public var slope: Double
    /// The line's value at `end`.
    public var current: Double
    /// The time of the last point.
    public var end: Timestamp
    /// Minutes from the first point to the last.
    public var minutes: Double
    /// The share of the variance that the line explains (0–1); 0 for values that are all the same.
    public var rSquared: Double
    /// The standard deviation of the points around the line.
    public var residual: Double
    /// The mean of the points' times, in minutes before `end`, and the sum of their squared distances from it.
    private var center: Double
    private var spread: Double

    /// `nil` with fewer than three points, or with all of them at one time. What is not finite is left out.
    public init?(_ points: [Point]) {
        let points = points.filter(\.value.isFinite)
        guard points.count >= 3, let end = points.map(\.time).max() else { return nil }
        let times = points.map { $0.time.seconds(since: end) / 60 }
        let count = Double(points.count)
        let meanTime = times.reduce(0, +) / count
        let meanValue = points.reduce(0) { $0 + $1.value } / count
        var spread = 0.0
        var common = 0.0
        var variance = 0.0
        for (time, point) in zip(times, points) {
            spread += (time - meanTime) * (time - meanTime)
            common += (time - meanTime) * (point.value - meanValue)
            variance += (point.value - meanValue) * (point.value - meanValue)
        }
        guard spread > 0 else { return nil }
        self.count = points.count
        self.end = end
        slope = common / spread
        current = meanValue - slope * meanTime
        minutes = -(times.min() ?? 0)
        let left = max(0, variance - slope * common)
        rSquared = variance > 0 ? 1 - left / variance : 0
        residual = (left / (count - 2)).squareRoot()
        center = meanTime
        self.spread = spread
    }

    /// By the number of points and what the line explains of them: below 5 low; 5 to 9 medium if r² > 0.7; from 10 on high
    /// if r² > 0.8, medium if > 0.5.
    public var confidence: Confidence {
        switch count {
        case ..<5: .low
        case ..<10: rSquared > 0.7 ? .medium : .low
        default: rSquared > 0.8 ? .high : rSquared > 0.5 ? .medium : .low
        }
    }

    /// The line's value some minutes after `end`.
    public func value(after minutes: Double) -> Double { current + slope * minutes }

    /// Half the width of the band in which a value lies with 95 % probability, some minutes after `end`: the prediction
    /// interval of a regression, t · s · √(1 + 1/n + (x − x̄)² / Sxx).
    public func halfWidth(after minutes: Double) -> Double {
        let distance = minutes - center
        return Self.quantile(degrees: count - 2) * residual
            * (1 + 1 / Double(count) + distance * distance / spread).squareRoot()
    }

    /// The 97.5 % quantile of Student's t: from a table up to 10 degrees of freedom, beyond by the first terms of its
    /// expansion around the normal quantile (Abramowitz and Stegun 26.7.5), off by less than 0.001.
    static func quantile(degrees: Int) -> Double {
        let table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
        guard degrees > table.count else { return table[max(degrees, 1) - 1] }
        let normal = 1.959964
        let cube = normal * normal * normal
        let fifth = cube * normal * normal
        let freedom = Double(degrees)
        return normal + (cube + normal) / (4 * freedom)
            + (5 * fifth + 16 * cube + 3 * normal) / (96 * freedom * freedom)
    }
}
