import Model
import Testing

@testable import Store

@Suite struct BaselineStoreTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `baselines are there for the next writer and for readers, the latest of each`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        #expect(writer.baselines.isEmpty)
        writer.submit(TickRecord(time: start, baselines: ["memory.used": "1", "disk.busy:sda": "2"]))
        writer.submit(TickRecord(time: start.advanced(bySeconds: 1)))
        writer.submit(TickRecord(time: start.advanced(bySeconds: 2), baselines: ["memory.used": "3"]))
        try writer.flush()
        let reader = Reader(path: scratch.database, connections: 1)
        #expect(try reader.baseline(of: "memory.used") == "3")
        #expect(try reader.baseline(of: "disk.busy:sda") == "2")
        #expect(try reader.baseline(of: "load.running_per_core") == nil)
        writer.close()
        let next = try Writer(path: scratch.database)
        #expect(next.baselines == ["memory.used": "3", "disk.busy:sda": "2"])
        next.close()
    }

    @Test func `a database of the first version gets what is missing and keeps what it has`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        writer.submit(TickRecord(time: start, episodes: [episode(1)]))
        writer.close()
        try run("/usr/bin/sqlite3", scratch.database, "DROP TABLE baselines; PRAGMA user_version = 1")
        let migrated = try Writer(path: scratch.database, configuration: .eager)
        migrated.submit(TickRecord(time: start, baselines: ["memory.used": "1"]))
        try migrated.flush()
        #expect(try count(scratch.database, "signals") == 1)
        #expect(try count(scratch.database, "baselines") == 1)
        migrated.close()
    }
}
