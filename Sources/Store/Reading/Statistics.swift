import GRDB
import Model

/// Counts and score sums of signals, by type and severity.
public struct SignalCounts: Sendable, Equatable {
    public struct Cell: Sendable, Equatable {
        public var count: Int64 = 0
        /// In ten-thousandths.
        var scoreSum: Int64 = 0

        /// 0–1, or `nil` without signals.
        public var meanScore: Double? { count == 0 ? nil : Double(scoreSum) / 10_000 / Double(count) }

        static func += (left: inout Cell, right: Cell) {
            left.count += right.count
            left.scoreSum += right.scoreSum
        }
    }

    /// One after the other, a type's severities together: whatever is asked adds up some of them.
    private var cells = [Cell](repeating: Cell(), count: SignalType.allCases.count * severities)

    private static let severities = Severity.allCases.count

    /// Everything.
    public var total: Cell { sum(cells.indices) }
    /// All severities of one type, and all types of one severity.
    public subscript(type: SignalType) -> Cell {
        sum(Self.index(type.code, .low)...Self.index(type.code, .critical))
    }
    public subscript(severity: Severity) -> Cell {
        sum(stride(from: severity.rawValue - 1, to: cells.count, by: Self.severities))
    }
    public subscript(type: SignalType, severity: Severity) -> Cell { cells[Self.index(type.code, severity)] }

    /// - Parameter code: A type's; what this version does not know is left out.
    mutating func add(_ code: Int, _ severity: Severity, _ cell: Cell) {
        if SignalType(code: code) != nil { cells[Self.index(code, severity)] += cell }
    }

    private static func index(_ code: Int, _ severity: Severity) -> Int {
        (code - 1) * severities + severity.rawValue - 1
    }

    private func sum(_ indices: some Sequence<Int>) -> Cell { indices.reduce(into: Cell()) { $0 += cells[$1] } }
}

/// Counts and score sums of signals of all types, by severity.
public struct SeverityCounts: Sendable, Equatable {
    private var cells = [SignalCounts.Cell](repeating: .init(), count: Severity.allCases.count)

    /// Everything.
    public var total: SignalCounts.Cell { cells.reduce(into: .init()) { $0 += $1 } }
    public subscript(severity: Severity) -> SignalCounts.Cell { cells[severity.rawValue - 1] }

    mutating func add(_ severity: Severity, _ cell: SignalCounts.Cell) { cells[severity.rawValue - 1] += cell }
}

/// A window of whole minutes, cut into the spans that the rollups hold.
struct RollupWindow {
    /// Spans and ranges of starts: at most two of each span.
    private(set) var pieces: [Piece] = []

    typealias Piece = (span: Int64, starts: Range<Int64>)

    static let everything: [Piece] = [(0, 0..<1)]

    /// Seconds since the epoch; both ends are rounded down to the minute.
    init(from: Int64, to: Int64) {
        var rest = (from / 60 * 60)..<max(from / 60 * 60, to / 60 * 60)
        var tail: [Piece] = []
        let spans = RollupSpans.parts
        for (span, larger) in zip(spans, spans.dropFirst()) {
            let start = (rest.lowerBound + larger - 1) / larger * larger
            let end = rest.upperBound / larger * larger
            guard start < end else {
                // No larger piece fits inside.
                pieces.append((span, rest))
                rest = rest.upperBound..<rest.upperBound
                break
            }
            pieces.append((span, rest.lowerBound..<start))
            tail.insert((span, end..<rest.upperBound), at: 0)
            rest = start..<end
        }
        pieces.append((spans.last ?? 60, rest))
        pieces = (pieces + tail).filter { !$0.starts.isEmpty }
    }
}

extension Reader {
    /// What `/api/stats` shows: everything there is, and the last hour.
    public struct Statistics: Sendable {
        public var all: SignalCounts
        /// The 60 whole minutes before `now`'s, and what there is of `now`'s.
        public var lastHour: SeverityCounts
        public var state: State
    }

    /// Counts up to `now`.
    public func statistics(now: Timestamp) throws -> Statistics {
        let minute = now.seconds / 60 * 60
        return try read { _, db in
            Statistics(
                all: try Self.counts(RollupWindow.everything, db),
                lastHour: try Self.severities(RollupWindow(from: minute - 3600, to: minute + 60).pieces, db),
                state: try Self.state(db))
        }
    }

    /// Counts of signals that opened in a window; both ends are rounded down to whole minutes.
    public func counts(from: Timestamp, to: Timestamp) throws -> SignalCounts {
        try read { _, db in try Self.counts(RollupWindow(from: from.seconds, to: to.seconds).pieces, db) }
    }

    /// The same for all types together, which is a tenth of the rows.
    public func severityCounts(from: Timestamp, to: Timestamp) throws -> SeverityCounts {
        try read { _, db in try Self.severities(RollupWindow(from: from.seconds, to: to.seconds).pieces, db) }
    }

    static let countsSQL = """
        SELECT t.id, low, low_score, medium, medium_score, high, high_score, critical, critical_score
        FROM signal_types t CROSS JOIN rollups r WHERE r.type = t.id AND r.span = ?1 AND r.start >= ?2 AND r.start < ?3
        """

    static let severitiesSQL = """
        SELECT low, low_score, medium, medium_score, high, high_score, critical, critical_score
        FROM rollups WHERE span = ?1 AND type = 0 AND start >= ?2 AND start < ?3
        """

    static func counts(_ pieces: [RollupWindow.Piece], _ db: Database) throws -> SignalCounts {
        var counts = SignalCounts()
        try each(pieces, countsSQL, db) { row in
            let type = Int(row.int(0))
            for severity in Severity.allCases {
                counts.add(type, severity, Self.cell(row, 2 * severity.rawValue - 1))
            }
        }
        return counts
    }

    static func severities(_ pieces: [RollupWindow.Piece], _ db: Database) throws -> SeverityCounts {
        var counts = SeverityCounts()
        try each(pieces, severitiesSQL, db) { row in
            for severity in Severity.allCases { counts.add(severity, Self.cell(row, 2 * severity.rawValue - 2)) }
        }
        return counts
    }

    private static func cell(_ row: Columns, _ column: Int) -> SignalCounts.Cell {
        SignalCounts.Cell(count: row.int(Int32(column)), scoreSum: row.int(Int32(column + 1)))
    }

    private static func each(
        _ pieces: [RollupWindow.Piece], _ sql: String, _ db: Database, _ body: (Columns) -> Void
    ) throws {
        let statement = try db.cachedStatement(sql: sql)
        for piece in pieces {
            try statement.rows {
                $0.add(piece.span)
                $0.add(piece.starts.lowerBound)
                $0.add(piece.starts.upperBound)
            } _: {
                body($0)
            }
        }
    }
}
