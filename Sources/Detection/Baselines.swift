import Forecast
import Model

/// What is usual on this host, metric by metric, learned from the ticks in which nothing was wrong with what the metric is
/// about: an incident does not become normal, however long it lasts.
public struct Baselines: Sendable {
    /// Metrics that are learned; devices beyond that many are compared with absolute thresholds only.
    static let most = 256
    /// The same for what processes wait, by their names.
    static let mostStalls = 192
    /// Seconds after which what is usual is worked out anew.
    private static let refreshEvery: Int64 = 60

    /// By the names that evidence has.
    public private(set) var metrics: [String: Baseline]
    /// What is usual now, for the metrics of which enough is known; worked out once a minute.
    public private(set) var usual: [String: Baseline.Usual] = [:]
    private var refreshed: Int64?
    /// How many of the metrics are stalls of processes.
    private var stalls: Int

    /// Goes on from what was stored.
    public init(_ metrics: [String: Baseline] = [:]) {
        self.metrics = metrics
        stalls = metrics.keys.count(where: Self.isStall)
    }

    /// Takes in a tick's values, but for those that `open` episodes above low are about.
    mutating func learn(_ values: [MetricSample], at time: Timestamp, open: [Episode]) {
        let troubled = open.filter { $0.current.severity > .low }.map { ($0.key.type, $0.key.entity.name) }
        for sample in values where !troubled.contains(where: { Self.concerns(sample.metric, $0.0, entity: $0.1) }) {
            let isStall = Self.isStall(sample.metric)
            if metrics[sample.metric] == nil {
                guard isStall ? stalls < Self.mostStalls : metrics.count - stalls < Self.most else { continue }
                if isStall { stalls += 1 }
            }
            metrics[sample.metric, default: Baseline()].learn(sample.value, at: time, byHour: !isStall)
        }
        refresh(at: time)
    }

    /// There are many of them, and what a program is used to depends little on the hour.
    private static func isStall(_ metric: String) -> Bool { metric.hasPrefix("process.") }

    /// Whatever a process waits for but a CPU.
    private static func isStallOnIO(_ metric: String) -> Bool {
        isStall(metric) && !metric.hasPrefix("process.runq_wait:")
    }

    private mutating func refresh(at time: Timestamp) {
        if let refreshed, abs(time.seconds - refreshed) < Self.refreshEvery { return }
        refreshed = time.seconds
        usual = metrics.compactMapValues { $0.usual(at: time) }
    }

    /// Whether a metric says something else than usual while a signal of this type is open.
    private static func concerns(_ metric: String, _ type: SignalType, entity: String) -> Bool {
        switch type {
        case .memoryPressure, .swapThrashing, .pageFault:
            metric.hasPrefix("memory.") || metric.hasPrefix("vm.") || metric.hasPrefix("swap.")
                || metric == "pressure.memory.some" || metric == "pressure.io.some"
                || isStallOnIO(metric)
        case .loadMismatch, .scheduler:
            metric == "pressure.cpu.some" || metric.hasPrefix("runq.") || metric.hasPrefix("load.")
                || metric.hasPrefix("process.runq_wait:")
        case .ioCongestion, .blockDeviceSaturation:
            metric == "pressure.io.some" || metric.hasPrefix("disk.") && metric.hasSuffix(":\(entity)")
                || isStallOnIO(metric)
        case .syscall:
            metric == "pressure.io.some" || metric.hasPrefix("disk.") || isStallOnIO(metric)
        case .networkDegradation, .tcpExhaustion:
            metric.hasPrefix("tcp.") || metric.hasPrefix("sockets.") || metric.hasPrefix("net.")
        }
    }
}
