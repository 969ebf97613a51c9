import GRDB
import Model

/// Writes each tick's numbers and histograms, and their means, ranges and sums for the coarser tiers as these fill.
///
/// A coarser tier's slot is written when the next one begins. Until then it lives in memory; after a crash it is
/// rebuilt from the finer tier, so nothing that was committed is missing from it.
struct SeriesRecorder {
    /// Names beyond this many are not recorded: interfaces of containers come and go without end.
    static let maximumMetrics = 20_000

    private struct Bucket {
        var slot: Int64
        var numbers: [Int64: NumberSum] = [:]
        var histograms: [Int64: LatencyHistogram] = [:]

        mutating func add(_ row: SeriesRow) {
            for number in row.numbers { numbers[number.metric, default: NumberSum()].add(number.slot) }
            for entry in row.histograms {
                entry.histogram.merge(into: &histograms[entry.metric, default: LatencyHistogram()])
            }
        }

        var row: SeriesRow {
            var row = SeriesRow()
            row.numbers = numbers.map { SeriesRow.Number(metric: $0.key, slot: $0.value.slot) }
                .sorted { $0.metric < $1.metric }
            row.histograms = histograms.map {
                SeriesRow.Histogram(metric: $0.key, histogram: SparseHistogram($0.value))
            }.sorted { $0.metric < $1.metric }
            return row
        }
    }

    private let db: Database
    private let tiers: [SeriesTier]
    private let insert: Statement
    private var metrics: [String: Int64] = [:]
    /// The coarser tiers' slots that are filling: `tiers[1...]`.
    private var buckets: [Bucket] = []
    private var clock = SlotClock()
    /// Samples left out because there were too many names.
    private(set) var unrecorded: UInt64 = 0

    init(_ db: Database, tiers: [SeriesTier]) throws {
        self.db = db
        self.tiers = tiers
        insert = try db.makeStatement(sql: "INSERT OR REPLACE INTO series_rows VALUES (?, ?)")
        for row in try Row.fetchAll(db, sql: "SELECT name, id FROM metrics") { metrics[row[0]] = row[1] }
        try rebuild()
    }

    mutating func write(_ tick: Batch.Tick) throws {
        let second = clock.second(for: tick.time)
        let row = try row(tick)
        try put(row, tier: 0, slot: second / tiers[0].width)
        for tier in tiers.indices.dropFirst() {
            let slot = second / tiers[tier].width
            let index = tier - 1
            if !buckets.indices.contains(index) { buckets.append(Bucket(slot: slot)) }
            if buckets[index].slot != slot {
                try put(buckets[index].row, tier: tier, slot: buckets[index].slot)
                buckets[index] = Bucket(slot: slot)
            }
            buckets[index].add(row)
        }
    }

    /// What a metric is called in the database; `nil` where it has not been recorded.
    func id(of metric: String) -> Int64? { metrics[metric] }

    private func put(_ row: SeriesRow, tier: Int, slot: Int64) throws {
        try insert.run {
            $0.add(SeriesKey.key(tier: tier, slot: slot))
            $0.add(blob: row.encoded(plain: tier == 0))
        }
    }

    private mutating func row(_ tick: Batch.Tick) throws -> SeriesRow {
        var row = SeriesRow()
        for sample in tick.samples {
            let value = Float(sample.value)
            guard value.isFinite else { continue }
            guard let id = try id(sample.metric, .number) else {
                unrecorded += 1
                continue
            }
            row.numbers.append(SeriesRow.Number(metric: id, slot: NumberSlot(value)))
        }
        for sample in tick.histograms {
            guard let id = try id(sample.metric, .histogram) else {
                unrecorded += 1
                continue
            }
            row.histograms.append(SeriesRow.Histogram(metric: id, histogram: SparseHistogram(sample.histogram)))
        }
        row.numbers.sort { $0.metric < $1.metric }
        row.histograms.sort { $0.metric < $1.metric }
        return row
    }

    private mutating func id(_ name: String, _ kind: MetricName.Kind) throws -> Int64? {
        if let id = metrics[name] { return id }
        guard metrics.count < Self.maximumMetrics else { return nil }
        try db.cachedStatement(sql: "INSERT INTO metrics (name, kind) VALUES (?, ?)").run {
            $0.add(name)
            $0.add(kind.rawValue)
        }
        let id = db.lastInsertedRowID
        metrics[name] = id
        return id
    }

    /// Fills the buckets again with what the finer tiers hold of their slots.
    private mutating func rebuild() throws {
        guard let last = try SeriesRows.lastSecond(db, width: tiers[0].width) else { return }
        clock = SlotClock(lastSecond: last)
        for tier in tiers.indices.dropFirst() {
            var bucket = Bucket(slot: last / tiers[tier].width)
            let start = bucket.slot * tiers[tier].width
            let finer = tiers[tier - 1].width
            for row in try SeriesRows.rows(db, tier: tier - 1, slots: start / finer...last / finer) { bucket.add(row) }
            if tier > 1 { bucket.add(buckets[tier - 2].row) }
            buckets.append(bucket)
        }
    }
}

/// Gives each tick the second it counts for. Ticks come a second apart and a little late or early; near the turn of a
/// second, rounding alone would leave one second empty and put two ticks into the next.
struct SlotClock: Sendable {
    private(set) var lastSecond: Int64?
    private var lastTime: Timestamp?

    init(lastSecond: Int64? = nil) { self.lastSecond = lastSecond }

    mutating func second(for time: Timestamp) -> Int64 {
        defer { lastTime = time }
        var second = time.seconds
        if let lastSecond, let lastTime {
            let next = lastSecond + Int64(max(1, time.seconds(since: lastTime).rounded()))
            // Beyond a second and a half, the clock was stepped or has drifted: start from what it says now.
            if abs(time.seconds(since: Timestamp(nanoseconds: next * 1_000_000_000))) <= 1.5 { second = next }
        }
        lastSecond = second
        return second
    }
}
