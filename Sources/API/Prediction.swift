import Forecast
import Foundation
import Model
import Store

/// Where the measure behind a type of signal goes if nothing changes; see `docs/forecast.md`.
struct Prediction: Sendable {
    var type: SignalType
    /// The series that was carried on.
    var metric: String
    var unit: String
    var outlook: Outlook
    var thresholds: Bands
    /// What is usual for the metric; `nil` while that is not known, or not learned.
    var usual: Baseline.Usual?
    /// When it was asked for: minute 0 of the timeline.
    var time: Timestamp

    /// One sentence with the numbers.
    var description: String {
        let projection = outlook.projection
        let step = text(abs(projection.slope))
        let course =
            abs(projection.slope) * projection.minutes < 0.01 * (thresholds.critical - thresholds.low)
            ? "stays about there" : projection.slope > 0 ? "rises by \(step) a minute" : "falls by \(step) a minute"
        let next = projection.crossings.first { ($0.minutes ?? 0) > 0 }
        let end =
            if let next, let minutes = next.minutes {
                "at that rate it reaches \(next.severity.name) (\(text(next.threshold))) in "
                    + "\(Self.short(minutes)) minutes"
            } else {
                "in \(Self.short(projection.minutes)) minutes it is at \(text(projected)), and meets no "
                    + "threshold above it until then"
            }
        return "\(metric) is \(text(projection.current)) and \(course); \(end)"
    }

    /// Minutes until it is above what is usual (the p95): 0 when it is already, `nil` when it is not in the time, or when
    /// nothing is known.
    var exceedsUsualIn: Double? {
        guard let p95 = usual?.profile.p95 else { return nil }
        let projection = outlook.projection
        if projection.current > p95 { return 0 }
        let after = projection.slope > 0 ? (p95 - projection.current) / projection.slope : .infinity
        return after <= projection.minutes ? after : nil
    }

    private var projected: Double { outlook.projection.projected }

    /// A value as people read it: shares in percent, others with their unit.
    func text(_ value: Double) -> String {
        unit == "share" ? "\(Self.short(value * 100)) %" : "\(Self.short(value)) \(unit)"
    }

    /// Two digits after the point, without trailing zeros.
    static func short(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return "\(value)" }
        let hundredths = Int64((value * 100).rounded())
        return hundredths.isMultiple(of: 100) ? "\(hundredths / 100)" : "\(Double(hundredths) / 100)"
    }
}

/// Why there is no prediction, beyond what the arithmetic refuses.
enum PredictionRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// The type is about single processes.
    case noSeries(SignalType)
    /// Nothing has been recorded under this name.
    case notRecorded(String)

    var description: String {
        switch self {
        case .noSeries(let type):
            "Signals of type \(type.rawValue) are about single processes, of which no series are kept; "
                + "load_mismatch says where the CPUs as a whole are going."
        case .notRecorded(let metric):
            "\(metric) has not been recorded on this host; GET /api/series lists what has been."
        }
    }
}

extension Service {
    /// Carries the last half hour of a type's measure on by some minutes.
    ///
    /// - Parameters:
    ///   - minutes: 1–1440.
    ///   - slope: Units per minute to assume instead of the measured ones.
    /// - Throws: `PredictionRefusal`, `ForecastRefusal`: why not; `StoreError`.
    func prediction(of type: SignalType, minutes: Double, slope: Double? = nil) throws -> Prediction {
        guard let leading = LeadingMetric(type) else { throw PredictionRefusal.noSeries(type) }
        let now = clock()
        let (metric, points) = try points(of: leading.reading, until: now)
        let thresholds = leading.thresholds(thresholdsInForce())
        let outlook = try Outlook(
            points, now: now, minutes: minutes, thresholds: thresholds, slope: slope, range: leading.range)
        return Prediction(
            type: type, metric: metric, unit: leading.unit, outlook: outlook, thresholds: thresholds,
            usual: try usual(metric, at: now), time: now)
    }

    /// What cannot be read is not known; the collector says so in its log when it starts, and learns it anew.
    func usual(_ metric: String, at time: Timestamp) throws -> Baseline.Usual? {
        guard let data = try reader.baseline(of: metric) else { return nil }
        return try? JSONDecoder().decode(Baseline.self, from: Data(data.utf8)).usual(at: time)
    }

    private func points(
        of reading: LeadingMetric.Reading, until now: Timestamp
    ) throws -> (metric: String, points: [Trend.Point]) {
        switch reading {
        case .mean(let metric):
            return (
                metric, try series(metric, until: now).compactMap { point in point.mean.map { .init(point.time, $0) } }
            )
        case .percentile(let metric, let percent):
            let points = try series(metric, until: now, percentile: percent)
            let name = "p\(Int(percent)) of \(metric)"
            return (
                name, points.compactMap { point in point.percentiles.first.map { .init(point.time, Double($0) / 1e6) } }
            )
        case .ratio(let metric, let other):
            let whole = Dictionary(
                try series(other, until: now).map { ($0.time, $0.mean) }, uniquingKeysWith: { first, _ in first })
            let points: [Trend.Point] = try series(metric, until: now).compactMap { point in
                guard let part = point.mean, case let all?? = whole[point.time] else { return nil }
                // As the rule has it: what is sent again is part of what is sent.
                return .init(point.time, part / max(all, part, 1))
            }
            return ("\(metric) by \(other)", points)
        case .highest(let prefix):
            var best: (metric: String, points: [Trend.Point])?
            for name in try reader.metrics() where name.name.hasPrefix(prefix) {
                let points = try series(name.name, until: now).compactMap { point in
                    point.mean.map { Trend.Point(point.time, $0) }
                }
                guard let last = points.last else { continue }
                if best?.points.last.map({ $0.value >= last.value }) != true { best = (name.name, points) }
            }
            guard let best else { throw PredictionRefusal.notRecorded(prefix + "…") }
            return best
        }
    }

    private func series(_ metric: String, until now: Timestamp, percentile: Double? = nil) throws -> [Series.Point] {
        var query = SeriesQuery(
            metric: metric, from: now.advanced(bySeconds: -60 * Outlook.window), to: now, step: Self.predictionStep)
        if let percentile { query.percentiles = [percentile] }
        guard let series = try reader.series(query) else { throw PredictionRefusal.notRecorded(metric) }
        return series.points
    }

    /// Seconds between the points of the line: 180 of them in half an hour, and enough for a first forecast after a minute.
    private static var predictionStep: Int64 { 10 }
}
