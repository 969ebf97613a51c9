import GRDB
import Model

/// What a batch adds to the rollups: one upsert per span, type and start, however many signals were inserted.
struct RollupDelta {
    private struct Key: Hashable {
        var span: Int64
        /// 0 for all types.
        var type: Int
        var start: Int64
    }

    /// Four counts and four score sums.
    private var sums: [Key: SIMD8<Int64>] = [:]

    mutating func add(_ type: SignalType, _ severity: Severity, score: Int64, at time: Timestamp) {
        var cell = SIMD8<Int64>.zero
        cell[severity.rawValue - 1] = 1
        cell[severity.rawValue + 3] = score
        for span in RollupSpans.all {
            let start = RollupSpans.start(of: span, at: time)
            sums[Key(span: span, type: 0, start: start), default: .zero] &+= cell
            sums[Key(span: span, type: type.code, start: start), default: .zero] &+= cell
        }
    }

    func write(_ db: Database) throws {
        guard !sums.isEmpty else { return }
        let upsert = try db.cachedStatement(
            sql: """
                INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                    low = low + excluded.low, medium = medium + excluded.medium,
                    high = high + excluded.high, critical = critical + excluded.critical,
                    low_score = low_score + excluded.low_score, medium_score = medium_score + excluded.medium_score,
                    high_score = high_score + excluded.high_score, critical_score = critical_score + excluded.critical_score
                """)
        for (key, sum) in sums {
            try upsert.run {
                $0.add(key.span)
                $0.add(key.type)
                $0.add(key.start)
                for index in sum.indices { $0.add(sum[index]) }
            }
        }
    }
}
