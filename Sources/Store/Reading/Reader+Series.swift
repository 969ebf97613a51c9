import GRDB
import Model

/// A metric and what its samples are.
public struct MetricName: Sendable, Hashable {
    public enum Kind: Int, Sendable { case number = 0, histogram }

    public var name: String
    public var kind: Kind
}

/// A series on a regular grid.
public struct Series: Sendable {
    public struct Point: Sendable, Equatable {
        /// Start of the step.
        public var time: Timestamp
        /// Mean, smallest and largest value in the step; `nil` where nothing was measured. Histograms: in nanoseconds, the
        /// mean of the midpoints, and the lowest and highest bucket in use.
        public var mean: Double?
        public var minimum: Double?
        public var maximum: Double?
        /// Percentiles in the order asked for, in nanoseconds; empty for numbers and where nothing was measured.
        public var percentiles: [UInt64] = []
        /// Observations of the histogram in the step; seconds measured, for numbers.
        public var count: UInt64 = 0
    }

    public var metric: MetricName
    /// Seconds between points, and seconds per slot of the tier that answered.
    public var step: Int64
    public var resolution: Int64
    public var points: [Point]
}

/// Which part of which series is asked for.
public struct SeriesQuery: Sendable {
    public var metric: String
    public var from: Timestamp
    public var to: Timestamp
    /// Seconds, at least 1. A window that is only kept coarser is answered coarser.
    public var step: Int64
    /// 0–100, for histograms.
    public var percentiles: [Double] = [50, 95, 99]

    public init(metric: String, from: Timestamp, to: Timestamp, step: Int64) {
        self.metric = metric
        self.from = from
        self.to = to
        self.step = step
    }
}

extension Reader {
    /// A series on the grid `from`, `from + step`, … below `to`; `nil` when the metric has never been recorded.
    public func series(_ query: SeriesQuery) throws -> Series? { nil }

    /// Everything that has been recorded, by name.
    public func metrics() throws -> [MetricName] { [] }
}
