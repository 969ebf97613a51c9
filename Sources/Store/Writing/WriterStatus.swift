import Model

/// How the writer does, for `/api/diagnostics` and the ledgers.
public struct WriterStatus: Sendable {
    public enum State: Sendable, Equatable {
        case running
        /// The last commit failed; what is pending is kept within its bounds and tried again.
        case failing(StoreError)
        case closed
    }

    /// Rows by kind, since the writer was opened.
    public struct Counts: Sendable, Equatable {
        /// Episode rows written, each state of an episode that was committed once.
        public var episodes: UInt64 = 0
        public var events: [EventSource: UInt64] = [:]
        /// Ticks of series.
        public var ticks: UInt64 = 0

        static func += (left: inout Counts, right: Counts) {
            left.episodes += right.episodes
            left.events.merge(right.events, uniquingKeysWith: +)
            left.ticks += right.ticks
        }
    }

    public var state: State = .running
    /// Committed, and given up because memory bounds were reached or SQLite refused the row for good.
    public var stored = Counts()
    public var dropped = Counts()
    /// Samples that were not recorded because there are 20 000 metric names already.
    public var unrecordedSamples: UInt64 = 0
    /// Rows in memory.
    public var pendingRows = 0
    public var commits: UInt64 = 0
    public var failures: UInt64 = 0
    public var lastCommit: Timestamp?
    /// Seconds that the last commit and the longest one took, `fsync` included.
    public var lastCommitSeconds = 0.0
    public var longestCommitSeconds = 0.0
    public var walBytes: Int64 = 0
    public var databaseBytes: Int64 = 0
    /// Pages waiting to be given back to the file system.
    public var freePages = 0
    /// Rows that retention and prune removed, all kinds.
    public var retired: UInt64 = 0
    /// When the oldest signal opened; `nil` when there is none.
    public var oldestSignal: Timestamp?
    /// For how many more seconds nothing is deleted for its age, because the wall clock jumped or the writer has just
    /// started; `nil` when the clock is believed.
    public var heldSeconds: Double?
}
