import GRDB

/// Where a tier's slot is in `series_rows`.
enum SeriesKey {
    private static let slotBits: Int64 = 40

    static func key(tier: Int, slot: Int64) -> Int64 { Int64(tier) << slotBits | slot }
    static func slot(ofKey key: Int64) -> Int64 { key & (1 << slotBits - 1) }
}

/// Whole slots, for the writer's own use: rebuilding and compacting.
enum SeriesRows {
    /// The newest second of the finest tier.
    static func lastSecond(_ db: Database, width: Int64) throws -> Int64? {
        let row = try Int64.fetchOne(
            db, sql: "SELECT max(tier_slot) FROM series_rows WHERE tier_slot < ?",
            arguments: [SeriesKey.key(tier: 1, slot: 0)])
        if let row { return SeriesKey.slot(ofKey: row) * width }
        let window = try Int64.fetchOne(db, sql: "SELECT max(window) FROM series_chunks WHERE tier = 0")
        return window.map { ($0 + 1) * Int64(SeriesChunk.slots) * width - 1 }
    }

    /// All rows of a tier's slots, from rows and chunks, in no order.
    static func rows(_ db: Database, tier: Int, slots: ClosedRange<Int64>) throws -> [SeriesRow] {
        var rows: [SeriesRow] = []
        try db.cachedStatement(sql: "SELECT packed FROM series_rows WHERE tier_slot BETWEEN ? AND ?").rows {
            $0.add(SeriesKey.key(tier: tier, slot: slots.lowerBound))
            $0.add(SeriesKey.key(tier: tier, slot: slots.upperBound))
        } _: {
            rows.append(SeriesRow(decoding: $0.bytes(0), plain: tier == 0))
        }
        let length = Int64(SeriesChunk.slots)
        let chunks = "SELECT metric, window, packed FROM series_chunks WHERE tier = ? AND window BETWEEN ? AND ?"
        try db.cachedStatement(sql: chunks).rows {
            $0.add(tier)
            $0.add(slots.lowerBound / length)
            $0.add(slots.upperBound / length)
        } _: { column in
            guard let chunk = SeriesChunk(decoding: column.bytes(2)) else { return }
            let metric = column.int(0)
            let start = column.int(1) * length
            for (index, position) in chunk.positions.enumerated() where slots.contains(start + Int64(position)) {
                var row = SeriesRow()
                switch chunk.values {
                case .plain(let values), .numbers(let values):
                    row.numbers = [SeriesRow.Number(metric: metric, slot: values[index])]
                case .histograms(let values):
                    row.histograms = [SeriesRow.Histogram(metric: metric, histogram: values[index])]
                }
                rows.append(row)
            }
        }
        return rows
    }
}
