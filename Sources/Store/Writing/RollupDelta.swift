import GRDB
import Model

/// What a batch adds to the rollups: one upsert per span, type and start, however many signals were inserted.
struct RollupDelta {
    /// Four counts and four score sums, by the type's code.
    private typealias Cells = [SIMD8<Int64>]

    /// By start. Every longer span is made of minutes.
    private var minutes: [Int64: Cells] = [:]

    private static let none = Cells(repeating: .zero, count: 1 + SignalType.allCases.count)

    mutating func add(_ type: SignalType, _ severity: Severity, score: Int64, at time: Timestamp) {
        var cell = SIMD8<Int64>.zero
        cell[severity.rawValue - 1] = 1
        cell[severity.rawValue + 3] = score
        minutes[RollupSpans.start(of: 60, at: time), default: Self.none][type.code] &+= cell
    }

    func write(_ db: Database) throws {
        guard !minutes.isEmpty else { return }
        let upsert = try db.cachedStatement(
            sql: """
                INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                    low = low + excluded.low, medium = medium + excluded.medium,
                    high = high + excluded.high, critical = critical + excluded.critical,
                    low_score = low_score + excluded.low_score, medium_score = medium_score + excluded.medium_score,
                    high_score = high_score + excluded.high_score, critical_score = critical_score + excluded.critical_score
                """)
        var parts = minutes
        for span in RollupSpans.parts + [0] {
            parts = Self.combined(parts, to: span)
            for (start, cells) in parts.sorted(by: { $0.key < $1.key }) {
                // 0 stands for all types, and no type has it.
                let all = [cells.reduce(.zero, &+)] + cells.dropFirst()
                for (type, cell) in all.enumerated() where cell != .zero {
                    try upsert.run {
                        $0.add(span)
                        $0.add(type)
                        $0.add(start)
                        for index in cell.indices { $0.add(cell[index]) }
                    }
                }
            }
        }
    }

    private static func combined(_ parts: [Int64: Cells], to span: Int64) -> [Int64: Cells] {
        guard span != 60 else { return parts }
        var longer: [Int64: Cells] = [:]
        for (start, cells) in parts {
            let start = span == 0 ? 0 : start / span * span
            for (type, cell) in cells.enumerated() where cell != .zero {
                longer[start, default: none][type] &+= cell
            }
        }
        return longer
    }
}
