import Model
import Store

/// How a series is written: an object for each point, an array for each column, or how many observations each point has in
/// each power of two.
private enum SeriesForm: String, CaseIterable {
    case points
    case columns
    case heatmap
}

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
        let form = parameters.choice("form", SeriesForm.allCases.map { ($0.rawValue, $0) }) ?? .points
        try parameters.finish()
        // Asked first, so that it is no newer than what follows.
        let state = try currentHealth().state
        let newest = state.lastTick
        guard let metric else { return try metrics(newest) }
        var query = SeriesQuery(metric: metric, from: from, to: to, step: Int64(step))
        query.octaves = form == .heatmap
        guard let series = try reader.series(query) else { throw Problem.noSuchMetric(metric) }
        if form == .heatmap, series.metric.kind != .histogram {
            let detail = "must be points or columns for \(metric), which is no histogram"
            throw Problem.badParameters([.init(parameter: "form", value: form.rawValue, detail: detail)])
        }
        return Reply(capacity: 256 + 160 * series.points.count) { json in
            json.member("metric", series.metric.name)
            json.member("kind", series.metric.kind.label)
            json.member("step", series.step)
            json.member("resolution", series.resolution)
            json.member("from", from.rfc3339)
            json.member("to", to.rfc3339)
            json.data(of: newest, in: state, isStale: freshness(of: newest).isStale)
            switch form {
            case .points: json.points(series)
            case .columns: json.columns(series)
            case .heatmap: json.heatmap(series)
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

extension JSONWriter {
    private static let percentiles: [StaticString] = ["p50_ns", "p95_ns", "p99_ns"]

    fileprivate mutating func points(_ series: Series) {
        array("points") { json in
            for point in series.points {
                json.object {
                    $0.member("timestamp", point.time.nanoseconds)
                    $0.member("timestamp_iso", point.time.rfc3339)
                    $0.member("mean", point.mean)
                    $0.member("min", point.minimum)
                    $0.member("max", point.maximum)
                    $0.member("count", point.count)
                    for (name, value) in zip(Self.percentiles, point.percentiles) { $0.member(name, value) }
                }
            }
        }
    }

    /// The points are `step` seconds apart from `start` on.
    fileprivate mutating func columns(_ series: Series) {
        member("start", series.points.first?.time.nanoseconds ?? 0)
        array("mean") { json in for point in series.points { json.element(point.mean) } }
        array("min") { json in for point in series.points { json.element(point.minimum) } }
        array("max") { json in for point in series.points { json.element(point.maximum) } }
        array("count") { json in for point in series.points { json.element(point.count) } }
        guard series.metric.kind == .histogram else { return }
        for (index, name) in Self.percentiles.enumerated() {
            array(name) { json in
                for point in series.points {
                    json.element(point.percentiles.indices.contains(index) ? Double(point.percentiles[index]) : nil)
                }
            }
        }
    }

    /// Each point has as many counts as there are powers of two between the lowest and the highest that were seen.
    fileprivate mutating func heatmap(_ series: Series) {
        let lowest: Int = series.points.compactMap { $0.octaves.firstIndex { $0 > 0 } }.min() ?? 0
        let highest: Int = series.points.compactMap { $0.octaves.lastIndex { $0 > 0 } }.max() ?? lowest
        member("start", series.points.first?.time.nanoseconds ?? 0)
        member("lowest_ns", 1 << lowest)
        array("counts") { json in
            for point in series.points {
                guard !point.octaves.isEmpty else {
                    json.element(nil as Double?)
                    continue
                }
                json.array { json in for count in point.octaves[lowest...highest] { json.element(count) } }
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
