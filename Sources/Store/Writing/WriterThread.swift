import Foundation
import Glibc
import Model

/// The writer's thread: takes what is due, commits it, and uses the time in between for upkeep.
final class WriterThread {
    /// Upkeep gets at most this much of each pause between two batches.
    private static let upkeepSlice: Duration = .milliseconds(200)

    private let session: WriterSession
    private let monitor: Monitor<WriterState>
    private var lastCommit: Monotonic
    /// When upkeep last found nothing to do, and when it is asked again.
    private var nextUpkeep = Monotonic.now

    private init(_ session: WriterSession, _ monitor: Monitor<WriterState>) {
        self.session = session
        self.monitor = monitor
        // The first batch has no commit before it to keep its distance from.
        lastCommit = .now + (.zero - monitor.read { $0.configuration.spacing })
    }

    static func start(_ session: sending WriterSession, _ monitor: Monitor<WriterState>) {
        let handed = Handed(WriterThread(session, monitor))
        let thread = Thread { handed.value.run() }
        thread.name = "store-writer"
        thread.stackSize = 1 << 20
        thread.start()
    }

    private enum Work {
        case commit(Batch, upTo: UInt64)
        case upkeep
        case stop
    }

    private func run() {
        while true {
            switch monitor.wait(next) {
            case .commit(let batch, let target): commit(batch, upTo: target)
            case .upkeep: upkeep()
            case .stop: return finish()
            }
        }
    }

    /// What is to be done now, or until when to wait.
    private func next(_ state: inout WriterState) -> Waiting<Work> {
        let now = Monotonic.now
        if !state.batch.isEmpty {
            let due = due(state)
            if due <= now {
                let batch = state.batch
                state.batch = Batch()
                state.firstRow = nil
                state.status.pendingRows = 0
                return .done(.commit(batch, upTo: state.submitted))
            }
            if !state.prunes.isEmpty || nextUpkeep <= now { return .done(.upkeep) }
            return .until(min(due, nextUpkeep))
        }
        if state.closing { return .done(.stop) }
        if !state.prunes.isEmpty || nextUpkeep <= now { return .done(.upkeep) }
        return .until(nextUpkeep)
    }

    private func due(_ state: WriterState) -> Monotonic {
        if state.closing || state.flushTo > state.committed, case .running = state.status.state { return lastCommit }
        let spaced = lastCommit + state.configuration.spacing
        if case .failing = state.status.state { return spaced }
        if state.batch.rows >= state.configuration.batchRows { return spaced }
        return max(spaced, (state.firstRow ?? lastCommit) + state.configuration.flushInterval)
    }

    private func commit(_ batch: Batch, upTo target: UInt64) {
        let started = Monotonic.now
        let now = Timestamp.now
        do {
            try session.commit(batch, at: now)
            lastCommit = .now
            let walBytes = session.checkpointer.walBytes
            let databaseBytes = session.checkpointer.databaseBytes
            let unrecorded = session.unrecordedSamples
            monitor.change { state in
                state.committed = target
                state.status.state = .running
                state.status.stored += batch.counts
                state.status.commits += 1
                state.status.lastCommit = now
                state.status.lastCommitSeconds = lastCommit.seconds(since: started)
                state.status.longestCommitSeconds = max(
                    state.status.longestCommitSeconds, state.status.lastCommitSeconds)
                state.status.walBytes = walBytes
                state.status.databaseBytes = databaseBytes
                state.status.unrecordedSamples = unrecorded
            }
        } catch {
            lastCommit = .now
            failed(batch, upTo: target, StoreError(error, path: session.path))
        }
    }

    private func failed(_ batch: Batch, upTo target: UInt64, _ error: StoreError) {
        monitor.change { state in
            state.status.failures += 1
            state.status.state = .failing(error)
            if state.closing || !error.mayPass {
                // A row that SQLite will never take must not hold up all that follow; at the end nobody can wait.
                state.status.dropped += batch.counts
                state.committed = target
            } else {
                state.status.dropped += state.batch.putBack(
                    batch, pendingRows: state.configuration.pendingRows,
                    pendingTicks: state.configuration.pendingTicks)
                state.firstRow = state.firstRow ?? .now
                state.status.pendingRows = state.batch.rows
            }
        }
    }

    private func upkeep() {
        let end = Monotonic.now + Self.upkeepSlice
        repeat {
            do {
                if try pruneStep() { continue }
                guard let removed = try session.maintain(monitor.read { $0.configuration }) else {
                    let contents = try session.contents()
                    monitor.change { state in
                        state.status.freePages = contents.freePages
                        state.status.oldestSignal = contents.oldestSignal
                        state.status.heldSeconds = contents.heldSeconds
                    }
                    nextUpkeep = .now + .seconds(1)
                    return
                }
                monitor.change { $0.status.retired += UInt64(removed) }
            } catch {
                let error = StoreError(error, path: session.path)
                monitor.change { state in
                    state.status.failures += 1
                    state.status.state = .failing(error)
                    for prune in state.prunes { prune.continuation.resume(throwing: error) }
                    state.prunes = []
                }
                nextUpkeep = .now + .seconds(1)
                return
            }
        } while Monotonic.now < end && !monitor.read { !$0.batch.isEmpty && due($0) <= .now }
    }

    /// One step of the oldest request; false when there is none.
    private func pruneStep() throws -> Bool {
        guard let cutoff = monitor.read({ $0.prunes.first?.cutoff }) else { return false }
        let removed = try session.prune(before: cutoff)
        monitor.change { state in
            state.prunes[0].removed += removed
            state.status.retired += UInt64(removed)
            if removed == 0 {
                let prune = state.prunes.removeFirst()
                prune.continuation.resume(returning: prune.removed)
            }
        }
        return true
    }

    private func finish() {
        session.close()
        monitor.change { state in
            for prune in state.prunes { prune.continuation.resume(throwing: StoreError.closed) }
            state.prunes = []
            state.status.state = .closed
            state.finished = true
        }
    }
}

/// Carries the thread's state to the thread.
private struct Handed: @unchecked Sendable {
    // @unchecked because it is handed over once, and only the new thread uses it from then on.
    let value: WriterThread

    init(_ value: WriterThread) { self.value = value }
}

extension StoreError {
    /// Whether the same write may work later.
    var mayPass: Bool {
        switch self {
        case .failed(let code, _): [5, 6, 7, 10, 13, 14].contains(code & 0xFF)  // BUSY LOCKED NOMEM IOERR FULL CANTOPEN
        case .busy, .denied, .timedOut: true
        default: false
        }
    }
}
