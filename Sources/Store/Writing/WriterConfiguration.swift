/// How the writer batches and what it keeps.
public struct WriterConfiguration: Sendable {
    /// Rows (signals and events) that make a batch due at once.
    public var batchRows = 100
    /// How long the first row of a batch may wait.
    public var flushInterval: Duration = .seconds(1)
    /// The least time between two commits, and how soon one that failed is tried again: under load a batch grows rather
    /// than being committed more often than once a second.
    var spacing: Duration { min(flushInterval, .seconds(1)) }
    /// Rows that may wait in memory; beyond, events and then series are dropped and counted.
    public var pendingRows = 50_000
    /// Ticks of series that may wait in memory.
    public var pendingTicks = 300

    /// Days that signals are kept.
    public var signalDays = 30
    /// Seconds that each tier of the series is kept, finest first.
    public var tiers = SeriesTier.standard
    /// Bytes that raw events may take; those that a signal cites go last.
    public var eventBytes: Int64 = 256 << 20
    /// Seconds that process snapshots are kept.
    public var snapshotSeconds = 300
    /// How long the wall clock must have gone without a jump before anything is deleted for its age.
    var clockHold: Duration = .seconds(600)

    /// The WAL size above which the writer insists on a reset.
    public var walBytes: Int64 = 32 << 20

    /// The defaults of `config.yaml`.
    public init() {}
}
