import Forecast
import Foundation
import Model
import Store

/// What stands around a signal in time: the series that show it, what is usual for its inputs, and how often it comes.
struct SignalSurroundings {
    /// The series that show what a signal is about, before, during and after it.
    var series: [Series]
    /// What is usual now for the inputs of which that is known.
    var usual: [(metric: String, usual: Baseline.Usual)]
    /// Episodes of the same type, label and entity that opened in the last day, among the newest hundred signals of the entity,
    /// and how they follow each other; `nil` with fewer than three.
    var recurrences: Int
    var pattern: TemporalPattern?
    /// Whether those hundred are all of the last day.
    var areRecurrencesComplete: Bool
}

extension Service {
    /// Seconds before a signal opened and after it closed that belong to the picture.
    private static let before = 60.0
    private static let after = 30.0
    private static let points = 90.0
    /// Seconds: each can be made from one of the tiers.
    private static let steps: [Int64] = [1, 2, 5, 10, 30, 60, 300, 600, 3600]
    private static let recurrenceWindow = 86_400.0
    private static let mostRecurrences = 100

    /// What is known by now; less of it the longer the signal is gone.
    func surroundings(of detail: SignalDetail) throws -> SignalSurroundings {
        let signal = detail.signal
        let since = clock().advanced(bySeconds: -Self.recurrenceWindow)
        let (openings, isComplete) = try reader.openings(like: signal, since: since, among: Self.mostRecurrences)
        return SignalSurroundings(
            series: try series(around: signal), usual: try usual(ofInputs: detail), recurrences: openings.count,
            pattern: TemporalPattern(openings.sorted()), areRecurrencesComplete: isComplete)
    }

    private func series(around signal: StoredSignal) throws -> [Series] {
        let from = signal.opened.advanced(bySeconds: -Self.before)
        // The clock may have been set back meanwhile.
        let to = max(signal.opened, signal.closed ?? signal.lastSeen).advanced(bySeconds: Self.after)
        let seconds = to.seconds(since: from)
        let step = Self.steps.first { seconds / Double($0) <= Self.points } ?? Int64(seconds / Self.points)
        return try signal.seriesNames.compactMap { name in
            var query = SeriesQuery(metric: name, from: from, to: to, step: step)
            query.percentiles = [95]
            return try reader.series(query)
        }
    }

    /// What processes wait is learned by their names: the victim's is asked for.
    private func usual(ofInputs detail: SignalDetail) throws -> [(metric: String, usual: Baseline.Usual)] {
        let victim = detail.victims.first?.comm
        let now = clock()
        return try detail.evidence.compactMap { input in
            let isStall = input.metric.hasPrefix("process.")
            let metric = isStall ? "\(input.metric):\(victim ?? detail.signal.entity.name)" : input.metric
            return try usual(metric, at: now).map { (metric, $0) }
        }
    }
}

extension StoredSignal {
    /// The series in which it can be seen, as `docs/metrics.md` lists them.
    var seriesNames: [String] {
        let name = entity.name
        switch type {
        case .memoryPressure:
            return [
                "pressure.memory.some", "memory.available", "vm.scan.direct", "vm.steal.limit", "vm.refaults",
                "faults.latency.major",
            ]
        case .swapThrashing: return ["vm.swap_in", "vm.swap_out", "vm.major_faults", "swap.used"]
        case .loadMismatch: return ["pressure.cpu.some", "tasks.running", "runq.latency", "cpu.busy"]
        case .ioCongestion:
            return [
                "disk.latency.read:\(name)", "disk.latency.write:\(name)", "disk.queue_depth:\(name)",
                "pressure.io.some",
            ]
        case .blockDeviceSaturation:
            return [
                "disk.busy:\(name)", "disk.queue_depth:\(name)", "disk.read_bytes:\(name)", "disk.write_bytes:\(name)",
            ]
        case .networkDegradation where entity.kind == .interface:
            return ["rx_errors", "tx_errors", "rx_drops", "tx_drops"].map { "net.\($0):\(name)" }
        case .networkDegradation: return ["tcp.retransmits", "tcp.out_segments", "tcp.timeouts"]
        case .tcpExhaustion:
            return [
                "tcp.listen_overflows", "tcp.listen_drops", "tcp.syn_cookies", "sockets.syn_received",
                "sockets.time_wait", "sockets.close_wait",
            ]
        case .scheduler:
            return ["pressure.cpu.some", "runq.latency", "sched.switches.voluntary", "sched.switches.involuntary"]
        case .syscall: return ["syscalls.latency:\(label)", "sched.blocked", "pressure.io.some"]
        case .pageFault: return ["faults.major", "faults.latency.major", "vm.refaults", "pressure.memory.some"]
        }
    }
}

extension JSONWriter {
    /// Members of one signal's reply.
    mutating func surroundings(_ surroundings: SignalSurroundings) {
        array("series") { json in
            for series in surroundings.series { json.object { $0.compact(series) } }
        }
        array("baselines") { json in
            for (metric, usual) in surroundings.usual {
                json.object {
                    $0.member("metric", metric)
                    $0.profile(usual)
                }
            }
        }
        object("recurrence") {
            $0.member("episodes_24h", surroundings.recurrences)
            $0.member("pattern", surroundings.pattern?.rawValue)
            $0.member("complete", surroundings.areRecurrencesComplete)
        }
    }

    /// Values on a grid: means, or p95 in nanoseconds where the series is one of histograms; null where nothing was measured.
    private mutating func compact(_ series: Series) {
        member("metric", series.metric.name)
        member("kind", series.metric.kind.label)
        member("start", series.points.first?.time.nanoseconds ?? 0)
        member("step", series.step)
        array("values") { json in
            for point in series.points {
                json.element(series.metric.kind == .number ? point.mean : point.percentiles.first.map { Double($0) })
            }
        }
    }

    private mutating func profile(_ usual: Baseline.Usual) {
        let profile = usual.profile
        member("median", profile.median)
        member("p25", profile.p25)
        member("p75", profile.p75)
        member("p95", profile.p95)
        member("p99", profile.p99)
        member("minimum", profile.minimum)
        member("maximum", profile.maximum)
        member("volatility", profile.volatility?.rawValue)
        member("hour", usual.hour.map(Double.init))
        member("seconds_learned", profile.count)
    }
}
