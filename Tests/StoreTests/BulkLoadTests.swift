import GRDB
import Model
import Testing

@testable import Store

struct BulkLoadTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Everything in the database that signals fill, and how it is indexed.
    private func contents(_ path: String) throws -> [String] {
        try look(path) { db in
            #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
            return try [
                "signals", "rollups", "signal_metadata", "sqlite_schema", "parties", "inputs", "labels", "entities",
                "store_state",
            ].flatMap { table in
                let columns =
                    table == "sqlite_schema" ? "type, name, sql" : table == "store_state" ? "last_signal_id" : "*"
                return try Row.fetchAll(db, sql: "SELECT \(columns) FROM \(table)").map { "\(table) \($0)" }.sorted()
            }
        }
    }

    @Test func `a load leaves what a writer leaves`() throws {
        let episodes = (1...300).map { id in
            episode(
                id, SignalType.allCases[Int(id) % SignalType.allCases.count],
                Severity.allCases[Int(id) % Severity.allCases.count],
                at: start.advanced(bySeconds: Double(id) * 400))
        }
        let written = scratch.database + ".written"
        let writer = try Writer(path: written)
        writer.submit(TickRecord(time: start, episodes: episodes))
        writer.close()
        let load = try BulkLoad(path: scratch.database)
        try load.write(Array(episodes.prefix(100)))
        try load.write(Array(episodes.dropFirst(100)))
        try load.finish(at: start)
        #expect(try contents(scratch.database) == contents(written))
        let page = try Reader(path: scratch.database).signals()
        #expect(page.state.lastCommit == start)
    }

    @Test func `a database with signals is left alone`() throws {
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: [episode(1)]))
        writer.close()
        let before = try contents(scratch.database)
        #expect(throws: StoreError.self) { try BulkLoad(path: scratch.database) }
        #expect(try contents(scratch.database) == before)
        // And its lock is free again.
        try Writer(path: scratch.database).close()
    }
}
