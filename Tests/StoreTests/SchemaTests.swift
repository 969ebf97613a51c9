import Foundation
import GRDB
import Model
import Testing

@testable import Store

struct SchemaTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `a new database has the settings that cannot be changed later`() throws {
        let writer = try Writer(path: scratch.database)
        writer.close()
        try look(scratch.database) { db in
            #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == Schema.signals.current)
            #expect(try Int.fetchOne(db, sql: "PRAGMA application_id") == Schema.signals.applicationID)
            #expect(try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 2)
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
            let indexes = try String.fetchSet(db, sql: "SELECT name FROM sqlite_master WHERE type = 'index'")
            #expect(indexes.isSuperset(of: ["idx_timestamp", "idx_signal_type", "idx_severity", "idx_composite"]))
        }
    }

    @Test func `a newer schema is refused by reader and writer, and nothing is changed`() throws {
        try Writer(path: scratch.database).close()
        try alter("PRAGMA user_version = 99")
        let error = StoreError.schema(path: scratch.database, found: 99, known: Schema.signals.current)
        #expect(throws: error) { try Writer(path: scratch.database) }
        #expect(throws: error) { try Reader(path: scratch.database).health() }
        #expect("\(error)".contains("update KernelSight"))
        #expect(try look(scratch.database) { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 99)
    }

    @Test func `a reader recovers when the schema becomes one that it knows`() throws {
        try Writer(path: scratch.database).close()
        let reader = Reader(path: scratch.database)
        try alter("PRAGMA user_version = 99")
        #expect(throws: StoreError.self) { try reader.health() }
        try alter("PRAGMA user_version = \(Schema.signals.current)")
        #expect(try reader.health().signalCount == 0)
        try alter("PRAGMA user_version = 99")
        #expect(throws: StoreError.self) { try reader.health() }
    }

    @Test func `an empty file becomes a database, and is an old schema to a reader until then`() throws {
        try Data().write(to: URL(fileURLWithPath: scratch.database))
        #expect(throws: StoreError.schema(path: scratch.database, found: 0, known: Schema.signals.current)) {
            try Reader(path: scratch.database).health()
        }
        try Writer(path: scratch.database).close()
        #expect(try Reader(path: scratch.database).health().signalCount == 0)
    }

    @Test func `another program's database is left alone`() throws {
        try alter("CREATE TABLE bookmarks (url TEXT)")
        #expect(throws: StoreError.unreadable(path: scratch.database, reason: "it belongs to another program")) {
            try Writer(path: scratch.database)
        }
        #expect(throws: StoreError.unreadable(path: scratch.database, reason: "it belongs to another program")) {
            try Reader(path: scratch.database).health()
        }
        #expect(try look(scratch.database) { try $0.tableExists("bookmarks") })
    }

    @Test(arguments: [Data("this is not a database, though it is long enough to be looked at".utf8), Data(count: 8192)])
    func `garbage is not a database`(_ bytes: Data) throws {
        try bytes.write(to: URL(fileURLWithPath: scratch.database))
        #expect { try Reader(path: scratch.database).health() } throws: { isUnreadable($0) }
        #expect { try Writer(path: scratch.database) } throws: { isUnreadable($0) }
    }

    @Test func `a database that was cut off is unreadable`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        for id in 1...2000 { writer.submit(TickRecord(time: start, episodes: [episode(Int64(id))])) }
        try writer.flush()
        writer.close()
        let size = try #require(
            FileManager.default.attributesOfItem(atPath: scratch.database)[.size] as? Int)
        truncate(scratch.database, off_t(size / 2))
        let reader = Reader(path: scratch.database)
        #expect { try (1...2000).forEach { _ = try reader.signal(id: $0) } } throws: { isUnreadable($0) }
        #expect { try Reader(path: scratch.database).signals() } throws: { isUnreadable($0) }
    }

    private func isUnreadable(_ error: any Error) -> Bool {
        if case StoreError.unreadable = error { true } else { false }
    }

    private func alter(_ sql: String) throws {
        let result = try run("/usr/bin/sqlite3", scratch.database, sql)
        #expect(result.status == 0, "\(result.output)")
    }
}
