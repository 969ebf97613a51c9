import Model
import Store

extension Service {
    private static let maximumPoints = 2000

    /// `GET /api/series`: one metric over time; without `metric`, the names of all.
    func series(_ parameters: inout Parameters) throws -> Reply {
        let metric = parameters.text("metric", length: 128, form: "the name of a metric") { $0.isEmpty ? nil : $0 }
        let to = parameters.time("to") ?? clock()
        let from = parameters.time("from") ?? to.advanced(bySeconds: -600)
        let seconds = to.seconds(since: from)
        if seconds <= 0 { parameters.fault("from", from.rfc3339, "must be before to (\(to.rfc3339))") }
        if seconds > 366 * 86_400 { parameters.fault("from", from.rfc3339, "must be at most 366 days before to") }
        // About 300 points when nothing is said.
        let step = parameters.integer("step", in: 1...86_400, default: min(86_400, max(1, Int(seconds / 300))))
        if seconds / Double(step) > Double(Self.maximumPoints) {
            parameters.fault(
                "step", "\(step)",
                "makes more than \(Self.maximumPoints) points; at least \(Int(seconds) / Self.maximumPoints + 1) for this window"
            )
        }
        try parameters.finish()
        // Asked first, so that it is no newer than what follows.
        let newest = try currentHealth().lastTick
        guard let metric else { return try metrics(newest) }
        let query = SeriesQuery(metric: metric, from: from, to: to, step: Int64(step))
        guard let series = try reader.series(query) else { throw Problem.noSuchMetric(metric) }
        let names: [StaticString] = ["p50_ns", "p95_ns", "p99_ns"]
        return Reply(capacity: 256 + 160 * series.points.count) { json in
            json.member("metric", series.metric.name)
            json.member("kind", series.metric.kind.label)
            json.member("step", series.step)
            json.member("resolution", series.resolution)
            json.member("from", from.rfc3339)
            json.member("to", to.rfc3339)
            json.dataTime(newest, isStale: freshness(of: newest).isStale)
            json.array("points") { json in
                for point in series.points {
                    json.object {
                        $0.member("timestamp", point.time.nanoseconds)
                        $0.member("timestamp_iso", point.time.rfc3339)
                        $0.member("mean", point.mean)
                        $0.member("min", point.minimum)
                        $0.member("max", point.maximum)
                        $0.member("count", point.count)
                        for (name, value) in zip(names, point.percentiles) { $0.member(name, value) }
                    }
                }
            }
        }
    }

    private func metrics(_ newest: Timestamp) throws -> Reply {
        let metrics = try reader.metrics()
        return Reply(capacity: 64 * metrics.count + 64) { json in
            json.member("count", metrics.count)
            json.dataTime(newest, isStale: freshness(of: newest).isStale)
            json.array("metrics") { json in
                for metric in metrics {
                    json.object {
                        $0.member("metric", metric.name)
                        $0.member("kind", metric.kind.label)
                    }
                }
            }
        }
    }
}

extension MetricName.Kind {
    var label: String {
        switch self {
        case .number: "number"
        case .histogram: "histogram"
        }
    }
}

extension Problem {
    fileprivate static func noSuchMetric(_ metric: String) -> Problem {
        Problem(
            status: 404, code: "no-such-metric", title: "No such metric",
            detail: "\(metric) has never been recorded; GET /api/series lists what has been.")
    }
}
