import Logging
import Store

/// What the log says about the writer: each change once, not once a tick.
struct WriterLog {
    struct Line: Equatable {
        var level: Logger.Level
        var text: String
    }

    /// Looks in a row without a failure, or without a drop, after which it counts as over. A disk that is just full takes
    /// some commits and refuses others.
    private static let quietLooks = 10

    private var reason: String?
    private var failures: UInt64 = 0
    private var looksWithoutFailure = 0
    private var isDropping = false
    private var dropped: UInt64 = 0
    private var looksWithoutDrop = 0

    /// What has changed since the last look.
    mutating func look(at status: WriterStatus) -> [Line] {
        if status.state == .closed { return last(status) }
        return [failure(status), drop(status)].compactMap(\.self)
    }

    private mutating func failure(_ status: WriterStatus) -> Line? {
        let isQuiet = status.failures == failures
        failures = status.failures
        if case .failing(let error) = status.state {
            looksWithoutFailure = 0
            guard reason != error.description else { return nil }
            reason = error.description
            return Line(level: .error, text: "cannot write: \(error). It is tried again every second.")
        }
        looksWithoutFailure = isQuiet ? looksWithoutFailure + 1 : 0
        guard reason != nil, looksWithoutFailure >= Self.quietLooks else { return nil }
        reason = nil
        return Line(level: .notice, text: "writes again; \(status.dropped.rows) rows were dropped since the start")
    }

    private mutating func drop(_ status: WriterStatus) -> Line? {
        let isQuiet = status.dropped.rows == dropped
        dropped = status.dropped.rows
        looksWithoutDrop = isQuiet ? looksWithoutDrop + 1 : 0
        if !isQuiet, !isDropping {
            isDropping = true
            return Line(level: .warning, text: "rows are dropped: they could not be written, or found no room to wait")
        }
        guard isDropping, looksWithoutDrop >= Self.quietLooks else { return nil }
        isDropping = false
        return Line(level: .notice, text: "no rows are dropped any more; \(dropped) were since the start")
    }

    /// The writer has tried for the last time.
    private mutating func last(_ status: WriterStatus) -> [Line] {
        let lost = status.dropped.rows - dropped
        dropped = status.dropped.rows
        return lost > 0 ? [Line(level: .error, text: "stopped with \(lost) rows that could not be written")] : []
    }
}
