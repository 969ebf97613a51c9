import Forecast
import Foundation
import Model
import Store
import Testing

@testable import API

/// What stands around one signal: series, baselines, recurrence.
@Suite struct SurroundingsTests {
    private let opened = Host.now.advanced(bySeconds: -100)

    private func congestion(_ id: Int64, opened: Timestamp) -> Episode {
        var episode = Host.episode(
            id, type: .ioCongestion, entity: Entity(kind: .device, id: "8:0", name: "sda"), state: .closed,
            opened: opened)
        episode.finding.evidence = [
            Evidence(metric: "pressure.io.some", value: 0.4, unit: "share", threshold: 0.05, window: 1)
        ]
        return episode
    }

    @Test func `the series in which it can be seen come from a minute before to half a minute after`() throws {
        let host = try Host()
        for second in -100..<0 {
            var samples = [MetricSample("disk.queue_depth:sda", second == -40 ? 30 : 1)]
            if second != -50 { samples.append(MetricSample("pressure.io.some", 0.25)) }
            try host.write(at: opened.advanced(bySeconds: Double(second) + 60), samples: samples)
        }
        try host.write(episodes: [congestion(1, opened: opened)])
        let answer = host.get("/api/signals/1")
        #expect(answer.count("series") == 2)
        #expect(answer["series.0.metric"] == "disk.queue_depth:sda")
        #expect(answer["series.0.step"] == 2)
        #expect(answer["series.0.start"] == .integer(opened.nanoseconds - 60_000_000_000))
        // 60 s before, 5 s of it, 30 s after, in steps of 2 s; what is asked for begins on the grid.
        #expect(answer.count("series.0.values") == 48)
        #expect(answer["series.0.values.40"] == 15.5)
        #expect(answer["series.1.metric"] == "pressure.io.some")
        #expect(answer["series.1.values.0"] == .null)
        #expect(answer["series.1.values.10"] == 0.25)
        #expect(answer["series.1.values.47"] == 0.25)
    }

    @Test func `histograms show their p95`() throws {
        let host = try Host()
        try host.startWriter()
        var latency = LatencyHistogram()
        latency.record(1_000_000, times: 90)
        latency.record(50_000_000, times: 10)
        try host.write(at: opened, histograms: [HistogramSample("disk.latency.write:sda", latency)])
        try host.write(episodes: [congestion(1, opened: opened)])
        let answer = host.get("/api/signals/1")
        #expect(answer["series.0.kind"] == "histogram")
        let values = (0..<(answer.count("series.0.values") ?? 0)).compactMap { answer.number("series.0.values.\($0)") }
        #expect(values.count == 1)
        #expect(abs((values.first ?? 0) / 50_000_000 - 1) < 0.0625)
    }

    @Test func `what is usual for the inputs is beside them once it is known`() throws {
        let host = try Host()
        var baseline = Baseline()
        for second in 0..<2000 {
            baseline.learn(second % 2 == 0 ? 0.1 : 0.5, at: Host.now.advanced(bySeconds: Double(second - 2000)))
        }
        let data = String(decoding: try JSONEncoder().encode(baseline), as: UTF8.self)
        try host.write(
            episodes: [congestion(1, opened: opened)], baselines: ["pressure.io.some": data, "memory.used": data])
        let answer = host.get("/api/signals/1")
        #expect(answer.count("baselines") == 1)
        #expect(answer["baselines.0.metric"] == "pressure.io.some")
        #expect(abs((answer.number("baselines.0.p95") ?? 0) / 0.5 - 1) < 0.05)
        #expect(answer["baselines.0.volatility"] == "high")
        #expect(answer["baselines.0.hour"] == .null)
        var starved = Host.episode(2)
        starved.finding.evidence = [Evidence(metric: "process.runq_wait", value: 120, unit: "ms/s", window: 1)]
        try host.write(episodes: [starved, Host.episode(3)], baselines: ["process.runq_wait:nginx": data])
        #expect(host.get("/api/signals/2")["baselines.0.metric"] == "process.runq_wait:nginx")
        #expect(host.get("/api/signals/3").count("baselines") == 0)
    }

    @Test func `a clock that was set back while it was open takes the series, not the reply`() throws {
        let host = try Host()
        var episode = congestion(1, opened: Host.now.advanced(bySeconds: 3600))
        episode.closed = Host.now
        try host.write(episodes: [episode])
        #expect(host.get("/api/signals/1").status == 200)
    }

    @Test func `a forecast comes with it when it is asked for, or why there is none`() throws {
        let host = try Host()
        try host.write(episodes: [Host.episode(1), congestion(2, opened: opened)])
        #expect(host.get("/api/signals/1")["forecast"] == nil)
        let refused = host.get("/api/signals/1", query: "forecast_minutes=5")
        #expect(refused.text("forecast.reason").contains("single processes"))
        for second in -600...0 where second.isMultiple(of: 10) {
            try host.write(
                at: Host.now.advanced(bySeconds: Double(second)),
                samples: [MetricSample("disk.busy:sda", 0.2), MetricSample("pressure.io.some", 0.2)],
                histograms: [HistogramSample("disk.latency.read:sda", busy)])
        }
        let answer = host.get("/api/signals/2", query: "forecast_minutes=5")
        #expect(answer["forecast.duration_minutes"] == 5)
        #expect((answer.count("forecast.timeline") ?? 0) > 1)
        #expect(host.get("/api/signals/2", query: "forecast_minutes=0").status == 422)
    }

    private var busy: LatencyHistogram {
        var histogram = LatencyHistogram()
        histogram.record(2_000_000, times: 10)
        return histogram
    }

    @Test func `how often the same comes, and in what pattern, is said`() throws {
        let host = try Host()
        let hours = [-30.0, -20, -15, -10, -5]
        try host.write(
            episodes: hours.enumerated().map { index, hour in
                congestion(Int64(index + 1), opened: Host.now.advanced(bySeconds: 3600 * hour))
            })
        // Another label of the same device, and another process of the same name, are another thing.
        var other = congestion(8, opened: Host.now)
        other.key.label = "other"
        try host.write(episodes: [Host.episode(9), other])
        let answer = host.get("/api/signals/3")
        #expect(answer["recurrence.episodes_24h"] == 4)
        #expect(answer["recurrence.pattern"] == "constant")
        #expect(host.get("/api/signals/9")["recurrence.episodes_24h"] == 1)
        #expect(host.get("/api/signals/9")["recurrence.pattern"] == .null)
        #expect(answer["recurrence.complete"] == true)
        try host.write(
            episodes: (0..<100).map {
                congestion(Int64(20 + $0), opened: Host.now.advanced(bySeconds: Double($0 - 100)))
            })
        #expect(host.get("/api/signals/3")["recurrence.complete"] == false)
        #expect(host.get("/api/signals/3")["recurrence.episodes_24h"] == 100)
        // Of a process the pid counts, not the name.
        let namesake = ProcessIdentity(pid: 99, startTicks: 1)
        try host.write(episodes: [Host.episode(200), Host.episode(201, entity: .process(namesake, name: "nginx"))])
        #expect(host.get("/api/signals/200")["recurrence.episodes_24h"] == 2)
        #expect(host.get("/api/signals/201")["recurrence.episodes_24h"] == 1)
    }
}
