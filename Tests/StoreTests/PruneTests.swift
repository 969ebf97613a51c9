import GRDB
import Model
import Testing

@testable import Store

/// Pruning a database while no collector runs.
struct PruneTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `prune takes the old signals and nothing that a longer retention keeps`() throws {
        var configuration = WriterConfiguration.eager
        configuration.signalDays = 365
        configuration.tiers = SeriesTier.standard.map { SeriesTier(width: $0.width, retention: 365 * 86_400) }
        let writer = try Writer(path: scratch.database, configuration: configuration)
        for day in [0, 100, 200] {
            let time = start.advanced(bySeconds: Double(day) * 86_400)
            let entity = Entity(kind: .device, id: "8:\(day)", name: "disk\(day)")
            let signal = episode(Int64(day + 1), .ioCongestion, entity: entity, at: time)
            writer.submit(TickRecord(time: time, samples: [MetricSample("cpu.busy", 1)], episodes: [signal]))
        }
        writer.close()
        func kept() throws -> [Int] {
            try ["series_rows", "series_chunks", "series_tiers WHERE retention = 31536000"].map {
                try count(scratch.database, $0)
            }
        }
        let before = try kept()
        #expect(before[2] == 4)
        let removed = try Writer.prune(scratch.database, olderThan: start.advanced(bySeconds: 50 * 86_400))
        #expect(removed == 1)
        #expect(try Reader(path: scratch.database).signals().signals.map(\.id) == [201, 101])
        #expect(try kept() == before)
        #expect(
            try look(scratch.database) { try String.fetchAll($0, sql: "SELECT name FROM entities ORDER BY id") } == [
                "disk100", "disk200",
            ])
    }

    @Test func `prune gives the space back and lets go of the database`() throws {
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: (1...5000).map { episode($0) }))
        writer.close()
        #expect(try Writer.prune(scratch.database, olderThan: start.advanced(bySeconds: 1)) == 5000)
        #expect(try look(scratch.database) { try $0.freePages() } <= 256)
        #expect(try Reader(path: scratch.database).health().signalCount == 0)
        try Writer(path: scratch.database).close()
    }

    @Test func `prune does not migrate`() throws {
        try Writer(path: scratch.database).close()
        try run("/usr/bin/sqlite3", scratch.database, "PRAGMA user_version = 0")
        #expect(throws: StoreError.schema(path: scratch.database, found: 0, known: Schema.signals.current)) {
            try Writer.prune(scratch.database, olderThan: start)
        }
    }
}
