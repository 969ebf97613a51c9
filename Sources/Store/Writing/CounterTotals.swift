import GRDB
import Model

/// Adds what each batch's ticks counted to what has been counted since the database was made.
struct CounterTotals {
    private let add: Statement
    /// Metrics that have a total: most of them count nothing in most ticks.
    private var known: Set<Int64> = []

    init(_ db: Database) throws {
        add = try db.makeStatement(sql: Self.addSQL)
        try db.cachedStatement(sql: "SELECT metric FROM counter_totals").rows { known.insert($0.int(0)) }
    }

    /// - Parameter series: what has written the ticks, and so knows their metrics; others have no total.
    mutating func write(_ ticks: [Batch.Tick], _ series: SeriesRecorder) throws {
        var counts: [Int64: Double] = [:]
        for sample in ticks.lazy.flatMap(\.samples) {
            guard let count = sample.count, count.isFinite, let metric = series.id(of: sample.metric) else { continue }
            if count > 0 || !known.contains(metric) { counts[metric, default: 0] += count }
        }
        for (metric, count) in counts {
            known.insert(metric)
            try add.run {
                $0.add(metric)
                $0.add(count)
            }
        }
    }

    static let addSQL =
        "INSERT INTO counter_totals VALUES (?1, ?2) ON CONFLICT (metric) DO UPDATE SET total = total + excluded.total"
}
