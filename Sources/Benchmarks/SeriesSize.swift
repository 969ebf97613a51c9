import Model
import Store

/// What the series of a running collector take on disk, and what those of a month will.
enum SeriesSize {
    private static let slotsPerChunk = 300.0
    private static let slots = SeriesTier.standard.map { Double($0.retention / $0.width) }
    private static let eventMegabytes = Double(WriterConfiguration().eventBytes) / 1e6

    /// Of windows that are whole, of a collector that began at a time: empty while there are none; without the month while no
    /// coarser tier has one.
    static func figures(database: String, from start: Timestamp) throws -> [Figure] {
        let raw = try RawSQLite(database, readOnly: true)
        func numbers(_ sql: String) throws -> [[Double]] {
            try raw.rows(sql).map { row in
                row.map {
                    switch $0 {
                    case .integer(let value): Double(value)
                    case .text(let text): Double(text) ?? .nan
                    case .null: .nan
                    }
                }
            }
        }
        // Kind 0 are numbers, 1 histograms. What a device or a CPU measures may have gaps; it is left out of the first figure.
        let first = start.nanoseconds / 1_000_000_000
        let chunks = try numbers(
            """
            SELECT m.kind + 2 * (instr(m.name, ':') > 0), c.tier, count(*), sum(length(c.packed)), count(DISTINCT m.id)
                FROM series_chunks c JOIN metrics m ON m.id = c.metric
                WHERE c.tier <= 1 AND c.window * 300 * CASE c.tier WHEN 0 THEN \(SeriesTier.standard[0].width) ELSE \(SeriesTier.standard[1].width) END >= \(first) GROUP BY 1, 2
            """)
        let pages = try numbers(
            "SELECT sum(pgsize) FROM dbstat WHERE name IN ('series_chunks', 'idx_chunk', 'idx_chunk_age')")
        let whole = try numbers("SELECT count(*), sum(length(packed)) FROM series_chunks")
        guard let all = whole.first?[0], let packed = whole.first?[1], let total = pages.first?.first,
            let seconds = chunks.first(where: { $0[0] == 0 && $0[1] == 0 })
        else {
            return []
        }
        let around = (total - packed) / all
        var figures = [
            Figure(
                "series: bytes of a number at 1 s, compacted", (seconds[3] / seconds[2] + around) / slotsPerChunk,
                "bytes",
                bar: .atMost(2),
                detail: "\(Int(seconds[4])) metrics, \(Int(seconds[2])) chunks of 300 s, with their rows and indexes")
        ]
        guard chunks.contains(where: { $0[1] == 1 }) else { return figures }
        let month = chunks.reduce(0.0) { sum, row in
            let kept = row[1] == 0 ? slots[0] : slots[1...].reduce(0, +)
            return sum + kept / slotsPerChunk * row[4] * (row[3] / row[2] + around)
        }
        figures.append(
            Figure(
                "series: 30 days at the default tiers", month / 1e6, "MB", bar: .atMost(1000 - eventMegabytes),
                detail: "from what a chunk of 1 s and of 10 s took; events may take \(short(eventMegabytes)) MB beside")
        )
        return figures
    }
}
