import Glibc
import Model

/// The database's one writer. It has its own thread: `submit` never waits for the disk.
///
/// A batch is committed, in one transaction, as soon as it holds `batchRows` rows or its first row has waited
/// `flushInterval`, and never sooner than a second after the commit before (than `flushInterval`, if that is less). When a
/// commit fails (disk full, I/O error) the batch is kept within the configured bounds, `status` says so, and it is tried
/// again as often until it works; what had no room meanwhile is counted in `status.dropped`.
public final class Writer: Sendable {
    private let monitor: Monitor<WriterState>
    /// Episodes that had not closed when the database was last written.
    private let resumed: [Episode]
    /// What was usual when the database was last written: JSON by metric, as it was submitted.
    public let baselines: [String: String]
    /// The id for the next episode: above every id that was ever in this database.
    public let nextEpisodeID: Int64

    /// Opens or creates the database, migrates it, and starts the writer's thread.
    ///
    /// Throws `StoreError`: another writer runs, the file is not ours, it is damaged, or it is of a newer schema.
    public init(path: String, configuration: WriterConfiguration = WriterConfiguration()) throws {
        let session = try WriterSession(path: path, configuration: configuration)
        do {
            resumed = try session.openEpisodes()
            baselines = try session.baselines()
            nextEpisodeID = try session.nextEpisodeID()
        } catch {
            throw StoreError(error, path: path)
        }
        monitor = Monitor(WriterState(configuration: configuration))
        WriterThread.start(session, monitor)
    }

    deinit { close() }

    /// Hands over one tick. Returns at once; what has no room is dropped and counted.
    public func submit(_ record: TickRecord) {
        monitor.change { state in
            guard !state.closing else { return state.countDropped(record) }
            if state.batch.isEmpty { state.firstRow = .now }
            state.submitted += 1
            state.status.dropped += state.batch.add(
                record, pendingRows: state.configuration.pendingRows, pendingTicks: state.configuration.pendingTicks)
            state.status.pendingRows = state.batch.rows
        }
    }

    /// Waits until everything that was submitted before is committed. Throws why if it cannot be.
    public func flush() throws {
        let (target, failures) = monitor.change { state in
            state.flushTo = max(state.flushTo, state.submitted)
            return (state.submitted, state.status.failures)
        }
        let failure: StoreError? = monitor.wait { state in
            if state.committed >= target { return .done(nil) }
            if state.finished { return .done(.closed) }
            if state.status.failures > failures, case .failing(let error) = state.status.state { return .done(error) }
            return .untilChange
        }
        if let failure { throw failure }
    }

    /// Removes closed signals that opened before `cutoff`, in small steps between batches; returns how many it were.
    public func prune(olderThan cutoff: Timestamp) async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            let accepted = monitor.change { state in
                guard !state.closing else { return false }
                state.prunes.append(WriterState.Prune(cutoff: cutoff, continuation: continuation))
                return true
            }
            if !accepted { continuation.resume(throwing: StoreError.closed) }
        }
    }

    /// Takes over how to batch and what to keep, from the next batch and the next step of upkeep on. The widths of the
    /// tiers and the size of the WAL stay what they were when the database was opened.
    public func apply(_ configuration: WriterConfiguration) { monitor.change { $0.configuration = configuration } }

    /// Episodes that had not closed when the collector stopped, oldest first.
    public func openEpisodes() -> [Episode] { resumed }

    /// How it goes, at the latest commit.
    public var status: WriterStatus { monitor.read { $0.status } }

    /// Commits what is pending, tidies up, and ends the thread. Safe to call twice.
    public func close() {
        monitor.change { $0.closing = true }
        monitor.wait { $0.finished ? Waiting.done(()) : .untilChange }
    }
}

/// What the callers and the writer's thread share.
struct WriterState: Sendable {
    struct Prune: Sendable {
        var cutoff: Timestamp
        var continuation: CheckedContinuation<Int, any Error>
        var removed = 0
    }

    var configuration: WriterConfiguration
    var batch = Batch()
    var firstRow: Monotonic?
    /// Records submitted, committed (or given up), and to be committed without delay.
    var submitted: UInt64 = 0
    var committed: UInt64 = 0
    var flushTo: UInt64 = 0
    var prunes: [Prune] = []
    var closing = false
    var finished = false
    var status = WriterStatus()

    mutating func countDropped(_ record: TickRecord) {
        var counts = record.events.counts
        counts.episodes = UInt64(record.episodes.count)
        counts.ticks = record.samples.isEmpty && record.histograms.isEmpty ? 0 : 1
        status.dropped += counts
    }
}
