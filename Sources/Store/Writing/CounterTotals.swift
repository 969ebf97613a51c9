import GRDB
import Model

/// Adds what each batch's ticks counted to what has been counted since the database was made.
enum CounterTotals {
    /// The series are written first, and name what they record: others have no total.
    static func write(_ ticks: [Batch.Tick], _ db: Database) throws {
        var counts: [String: Double] = [:]
        for sample in ticks.lazy.flatMap(\.samples) {
            if let count = sample.count, count.isFinite { counts[sample.metric, default: 0] += count }
        }
        guard !counts.isEmpty else { return }
        let add = try db.cachedStatement(sql: addSQL)
        for (metric, count) in counts {
            try add.run {
                $0.add(metric)
                $0.add(count)
            }
        }
    }

    static let addSQL = """
        INSERT INTO counter_totals SELECT id, ?2 FROM metrics WHERE name = ?1
        ON CONFLICT (metric) DO UPDATE SET total = total + excluded.total WHERE excluded.total > 0
        """
}
