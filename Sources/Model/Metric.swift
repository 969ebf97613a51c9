/// One number of one tick, for the time series.
public struct MetricSample: Sendable, Hashable {
    /// Dotted name with the instance last: `cpu.busy`, `disk.busy:sda`, `pressure.memory.some`. What exists is listed in
    /// `docs/metrics.md`.
    public var metric: String
    public var value: Double
    /// What was counted in the tick, where `value` comes from a counter.
    public var count: Double?

    public init(_ metric: String, _ value: Double, count: Double? = nil) {
        self.metric = metric
        self.value = value
        self.count = count
    }
}

/// One histogram of one tick, kept as a histogram so that percentiles can be computed over any window.
public struct HistogramSample: Sendable, Hashable {
    /// Dotted name: `runq.latency`, `disk.latency.read:sda`.
    public var metric: String
    public var histogram: LatencyHistogram
    /// Whether another sample of the tick counts the same and more: the run-queue latency by CPU and by what a wait began with.
    public var isPart: Bool { metric.hasPrefix("runq.latency.") }

    public init(_ metric: String, _ histogram: LatencyHistogram) {
        self.metric = metric
        self.histogram = histogram
    }
}
