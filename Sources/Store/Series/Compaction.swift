import GRDB

/// Turns the packed rows of a window that is over into one chunk per metric.
struct Compaction {
    private let tiers: [SeriesTier]

    init(_ tiers: [SeriesTier]) { self.tiers = tiers }

    /// Compacts one window of one tier; false when none is over. `now` is the second of the newest tick.
    func step(_ db: Database, now: Int64) throws -> Bool {
        let length = Int64(SeriesChunk.slots)
        for tier in tiers.indices {
            let window = now / tiers[tier].width / length
            var oldest: Int64?
            try db.cachedStatement(
                sql:
                    "SELECT tier_slot FROM series_rows WHERE tier_slot >= ? AND tier_slot < ? ORDER BY tier_slot LIMIT 1"
            ).rows {
                $0.add(SeriesKey.key(tier: tier, slot: 0))
                $0.add(SeriesKey.key(tier: tier, slot: window * length))
            } _: {
                oldest = SeriesKey.slot(ofKey: $0.int(0)) / length
            }
            guard let oldest else { continue }
            try db.inTransaction(.immediate) {
                try compact(db, tier: tier, window: oldest)
                return .commit
            }
            return true
        }
        return false
    }

    private func compact(_ db: Database, tier: Int, window: Int64) throws {
        let length = Int64(SeriesChunk.slots)
        let keys =
            SeriesKey.key(
                tier: tier, slot: window * length)...SeriesKey.key(
                tier: tier, slot: (window + 1) * length - 1)
        var numbers: [Int64: [Int: NumberSlot]] = [:]
        var histograms: [Int64: [Int: SparseHistogram]] = [:]
        try db.cachedStatement(sql: "SELECT tier_slot, packed FROM series_rows WHERE tier_slot BETWEEN ? AND ?").rows {
            $0.add(keys.lowerBound)
            $0.add(keys.upperBound)
        } _: {
            let position = Int($0.int(0) - keys.lowerBound)
            let row = SeriesRow(decoding: $0.bytes(1), plain: tier == 0)
            for number in row.numbers { numbers[number.metric, default: [:]][position] = number.slot }
            for entry in row.histograms { histograms[entry.metric, default: [:]][position] = entry.histogram }
        }
        for (metric, slots) in numbers {
            let merged = try old(db, metric, tier, window).numbers.merging(slots) { $1 }
            let positions = merged.keys.sorted()
            let values = positions.compactMap { merged[$0] }
            try put(
                db, SeriesChunk(positions: positions, values: tier == 0 ? .plain(values) : .numbers(values)), metric,
                tier, window)
        }
        for (metric, slots) in histograms {
            let merged = try old(db, metric, tier, window).histograms.merging(slots) { $1 }
            let positions = merged.keys.sorted()
            let values = positions.compactMap { merged[$0] }
            try put(db, SeriesChunk(positions: positions, values: .histograms(values)), metric, tier, window)
        }
        try db.cachedStatement(sql: "DELETE FROM series_rows WHERE tier_slot BETWEEN ? AND ?").run {
            $0.add(keys.lowerBound)
            $0.add(keys.upperBound)
        }
    }

    private func put(_ db: Database, _ chunk: SeriesChunk, _ metric: Int64, _ tier: Int, _ window: Int64) throws {
        let upsert = """
            INSERT INTO series_chunks (metric, tier, window, packed) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET packed = excluded.packed
            """
        try db.cachedStatement(sql: upsert).run {
            $0.add(metric)
            $0.add(tier)
            $0.add(window)
            $0.add(blob: chunk.encoded)
        }
    }

    private typealias Slots = (numbers: [Int: NumberSlot], histograms: [Int: SparseHistogram])

    /// What the window holds already: after a clock that was set back, it is written a second time.
    private func old(_ db: Database, _ metric: Int64, _ tier: Int, _ window: Int64) throws -> Slots {
        var slots: Slots = ([:], [:])
        let select = "SELECT packed FROM series_chunks WHERE metric = ? AND tier = ? AND window = ?"
        try db.cachedStatement(sql: select).rows {
            $0.add(metric)
            $0.add(tier)
            $0.add(window)
        } _: {
            guard let chunk = SeriesChunk(decoding: $0.bytes(0)) else { return }
            for (index, position) in chunk.positions.enumerated() {
                switch chunk.values {
                case .plain(let values), .numbers(let values): slots.numbers[position] = values[index]
                case .histograms(let values): slots.histograms[position] = values[index]
                }
            }
        }
        return slots
    }
}
