import GRDB
import Model

/// What a batch adds to the rollups: one upsert per span, start and type, however many signals were inserted.
struct RollupDelta {
    /// Minute, hour, day; 0 stands for everything.
    static let spans: [Int64] = [0, 60, 3600, 86400]

    private struct Key: Hashable {
        var span: Int64
        var start: Int64
        var type: SignalType
    }

    /// Four counts and four score sums.
    private var sums: [Key: [Int64]] = [:]

    static func start(ofSpan span: Int64, at time: Timestamp) -> Int64 {
        span == 0 ? 0 : time.nanoseconds / (span * 1_000_000_000) * span
    }

    mutating func add(_ type: SignalType, _ severity: Severity, score: Int64, at time: Timestamp) {
        for span in Self.spans {
            let key = Key(span: span, start: Self.start(ofSpan: span, at: time), type: type)
            sums[key, default: Array(repeating: 0, count: 8)].withUnsafeMutableBufferPointer {
                $0[severity.rawValue - 1] += 1
                $0[severity.rawValue + 3] += score
            }
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
                $0.add(key.start)
                $0.add(key.type.rawValue)
                for value in sum { $0.add(value) }
            }
        }
    }
}
