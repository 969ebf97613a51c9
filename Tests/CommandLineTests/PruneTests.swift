import Glibc
import Model
import Store
import Testing

@testable import kernelsight

@Suite struct PruneTests {
    /// A directory of its own, removed afterwards.
    private func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
        var template = Array("/tmp/kernelsight-prune-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer {
            for name in ["k.db", "k.db-wal", "k.db-shm", "k.db-writer"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        return try body(directory)
    }

    private func episode(_ id: Int64, at second: Int64) -> Episode {
        let time = Timestamp(nanoseconds: second * 1_000_000_000)
        let grade = Grade(severity: .low, score: 0.3)
        return Episode(
            id: id, key: Episode.Key(type: .memoryPressure, entity: .host, label: "memory_pressure"), state: .closed,
            opened: time, lastSeen: time, closed: time.advanced(bySeconds: 1), peak: grade, current: grade,
            finding: Finding(message: Message(.init(summary: "memory is short"), []), evidence: []))
    }

    /// The writer's lock goes with the writer, so it lives in here.
    private func write(_ episodes: [Episode], to path: String) throws {
        let writer = try Writer(path: path)
        writer.submit(TickRecord(time: Timestamp(nanoseconds: 400_000_000_000), episodes: episodes))
        try writer.flush()
    }

    @Test func `without a collector the database is pruned directly`() throws {
        try withDirectory { directory in
            let path = "\(directory)/k.db"
            try write([episode(1, at: 100), episode(2, at: 300)], to: path)
            let removed = try Prune.prune(path, before: Timestamp(nanoseconds: 200_000_000_000))
            #expect(removed == 1)
            #expect(try Reader(path: path).health().signalCount == 1)
        }
    }

    @Test func `a database that does not exist is not created`() throws {
        try withDirectory { directory in
            let path = "\(directory)/k.db"
            #expect(throws: StoreError.missing(path: path)) {
                try Prune.prune(path, before: Timestamp(nanoseconds: 0))
            }
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test func `another writer without a control socket is named`() throws {
        try withDirectory { directory in
            let path = "\(directory)/k.db"
            let writer = try Writer(path: path)
            defer { writer.close() }
            #expect(throws: StoreError.writerRuns(path: path, pid: getpid())) {
                try Prune.prune(path, before: Timestamp(nanoseconds: 0))
            }
        }
    }
}
