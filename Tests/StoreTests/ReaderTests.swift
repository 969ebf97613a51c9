import Foundation
import GRDB
import Model
import Testing

@testable import Store

struct ReaderTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `a reader that starts before the collector answers once the file is there`() throws {
        let reader = Reader(path: scratch.database)
        #expect(throws: StoreError.missing(path: scratch.database)) { try reader.health() }
        let writer = try Writer(path: scratch.database)
        #expect(try reader.health().signalCount == 0)
        writer.close()
    }

    @Test func `a file that was replaced is opened anew`() throws {
        try write([episode(1)], to: scratch.database)
        let reader = Reader(path: scratch.database, connections: 2)
        #expect(try reader.health().signalCount == 1)
        let other = scratch.path + "/other.db"
        try write([episode(1), episode(2)], to: other)
        for suffix in ["", "-wal", "-shm"] { rename(other + suffix, scratch.database + suffix) }
        #expect(try reader.health().signalCount == 2)
        for suffix in ["", "-wal", "-shm"] { unlink(scratch.database + suffix) }
        #expect(throws: StoreError.missing(path: scratch.database)) { try reader.health() }
    }

    /// Needs root, to become somebody else.
    @Test(.enabled(if: getuid() == 0))
    func `nobody reads in a directory it cannot write, during and after the collector`() throws {
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: [episode(1)]))
        try writer.flush()
        chmod(scratch.path, 0o755)
        func shell() throws -> String {
            try run(
                "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/sqlite3", "-readonly",
                scratch.database, "SELECT count(*) FROM signal_metadata"
            ).output
        }
        #expect(try shell() == "1\n")
        writer.close()
        #expect(try shell() == "1\n")
        #expect(try asNobody(scratch.database) == 1)
    }

    /// Needs root, to become somebody else.
    @Test(.enabled(if: getuid() == 0)) func `a file that may not be read says so`() throws {
        try write([episode(1)], to: scratch.database)
        chmod(scratch.path, 0o755)
        chmod(scratch.database, 0o600)
        #expect { try asNobody(scratch.database) } throws: {
            if case StoreError.denied = $0 { true } else { false }
        }
    }

    @Test func `a query that takes too long is stopped`() throws {
        try write([episode(1)], to: scratch.database)
        let reader = Reader(path: scratch.database, timeLimit: .milliseconds(50))
        let began = ContinuousClock.now
        #expect(throws: StoreError.timedOut) {
            try reader.read { _, db in
                try db.cachedStatement(
                    sql: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
                ).run()
            }
        }
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(try reader.health().signalCount == 1)
    }

    @Test func `a statement that takes long is told with its plan, also when it was stopped, and no other is`() throws {
        try write([episode(1)], to: scratch.database)
        let told = Monitor<[SlowQuery]>([])
        let limit = Monitor(100.0)
        let reader = Reader(
            path: scratch.database, timeLimit: .milliseconds(300),
            slow: SlowQueries(from: { limit.read { $0 } }) { query in told.change { $0.append(query) } })
        let sql = """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
            SELECT count(*) FROM n, signals WHERE signals.id = n.i
            """
        func ask() { try? reader.read { _, db in try db.cachedStatement(sql: sql).run() } }
        ask()
        // A machine that has much to do may make others slow as well.
        let query = try #require(told.read { $0 }.first { $0.sql == sql })
        #expect(query.milliseconds >= 100 && query.milliseconds < 10_000)
        #expect(query.plan.contains { $0.contains("SEARCH signals USING INTEGER PRIMARY KEY") }, "\(query.plan)")
        told.change { $0 = [] }
        limit.change { $0 = 60_000 }
        ask()
        #expect(told.read { $0.isEmpty })
    }

    @Test func `when all connections are lent a reader waits, and gives up at the limit`() throws {
        try write([episode(1)], to: scratch.database)
        let reader = Reader(path: scratch.database, connections: 1, timeLimit: .milliseconds(50))
        try reader.read { (_, _) -> Void in
            #expect(throws: StoreError.busy) { try reader.health() }
        }
        #expect(try reader.health().signalCount == 1)
    }

    @Test func `threads share the pool`() async throws {
        try write((1...100).map { episode($0) }, to: scratch.database)
        let reader = Reader(path: scratch.database, connections: 3)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try reader.signals().signals.count } }
            for try await count in group { #expect(count == 20) }
        }
    }

    /// Counts the signals in a thread whose files are opened as nobody: the file-system uid belongs to the thread.
    private func asNobody(_ path: String) throws -> Int64 {
        let outcome = Monitor<Result<Int64, StoreError>?>(nil)
        Thread {
            becomeNobody()
            let result = Result { try Reader(path: path).health().signalCount }
                .mapError { StoreError($0, path: path) }
            outcome.change { $0 = result }
        }.start()
        return try outcome.wait { $0.map(Waiting.done) ?? .untilChange }.get()
    }

    private func write(_ episodes: [Episode], to path: String) throws {
        let writer = try Writer(path: path)
        writer.submit(TickRecord(time: start, episodes: episodes))
        writer.close()
    }
}

/// For this thread and files only; Glibc's module leaves the calls out.
private func becomeNobody() {
    typealias Call = @convention(c) (UInt32) -> Int32
    for name in ["setfsgid", "setfsuid"] {
        if let address = dlsym(nil, name) { _ = unsafeBitCast(address, to: Call.self)(65534) }
    }
}
