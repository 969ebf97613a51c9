import GRDB
import Model

/// A metric and what its samples are.
public struct MetricName: Sendable, Hashable {
    public enum Kind: Int, Sendable { case number = 0, histogram }

    public var name: String
    public var kind: Kind
}

/// A series on a regular grid.
public struct Series: Sendable, Equatable {
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
        /// Observations by power of two, from 1 ns on: of the `n`th, 2^n ≤ ns < 2^(n+1), but the 0th also has 0 ns and the last
        /// all above; empty for numbers, where nothing was measured, and unless asked for.
        public var octaves: [UInt64] = []
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
    /// Whether counts by power of two are wanted, for histograms.
    public var octaves = false

    public init(metric: String, from: Timestamp, to: Timestamp, step: Int64) {
        self.metric = metric
        self.from = from
        self.to = to
        self.step = step
    }
}

extension Reader {
    /// Points that one answer may hold.
    public static let maximumPoints: Int64 = 11_000
    /// Seconds of the longest step.
    public static let maximumStep: Int64 = 366 * 86_400

    /// A series on a grid of multiples of the step, from the one at or before `from` to the last before `to`; `nil` when
    /// the metric has never been recorded. Costs as much as the answer is long, whatever the database holds.
    public func series(_ query: SeriesQuery) throws -> Series? {
        guard (1...Self.maximumStep).contains(query.step), query.from < query.to else {
            throw StoreError.invalid("a series needs a step of 1 second to 366 days, and an end after its start")
        }
        guard query.percentiles.count <= 10 else { throw StoreError.invalid("at most 10 percentiles") }
        return try read { _, db in
            var found: (id: Int64, kind: MetricName.Kind)?
            try db.cachedStatement(sql: "SELECT id, kind FROM metrics WHERE name = ?").rows({ $0.add(query.metric) }) {
                found = ($0.int(0), MetricName.Kind(rawValue: Int($0.int(1))) ?? .number)
            }
            guard let found else { return nil }
            let source = try SeriesSource(metric: found.id, kind: found.kind, db)
            guard let tier = source.tier(from: query.from.seconds, step: query.step) else { return nil }
            let resolution = source.tiers[tier].width
            var grid = try SeriesGrid(
                from: query.from.seconds, to: query.to.seconds, step: max(query.step, resolution), kind: found.kind)
            try source.read(tier: tier, seconds: grid.start..<grid.end, into: &grid)
            return Series(
                metric: MetricName(name: query.metric, kind: found.kind), step: grid.step, resolution: resolution,
                points: grid.points(percentiles: query.percentiles, octaves: query.octaves))
        }
    }

    /// Everything that has been recorded, by name.
    public func metrics() throws -> [MetricName] {
        try read { _, db in
            var metrics: [MetricName] = []
            try db.cachedStatement(sql: "SELECT name, kind FROM metrics ORDER BY name").rows {
                metrics.append(MetricName(name: $0.text(0), kind: .init(rawValue: Int($0.int(1))) ?? .number))
            }
            return metrics
        }
    }
}
