import Foundation
import GRDB
import Model
import Testing

@testable import Store

/// A database of an earlier version becomes one of the present version, with all that stands in it.
struct MigrationTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(arguments: 1...5)
    func `an earlier version is carried over: signals, their details, and what the rollups count`(
        _ version: Int
    ) throws {
        try make(version)
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, baselines: ["memory.used": "1"]))
        try writer.flush()
        let open = writer.openEpisodes()
        #expect(writer.nextEpisodeID == 4)
        writer.close()

        let reader = Reader(path: scratch.database)
        #expect(try reader.baseline(of: "memory.used") == "1")
        #expect(try count(scratch.database, "governor_steps") == 0)
        #expect(try reader.signals().signals.map(\.id) == [3, 2, 1])
        let detail = try #require(try reader.signal(id: 2))
        #expect(detail.signal.type == .scheduler && detail.signal.peak == Grade(severity: .high, score: 0.75))
        #expect(detail.signal.entity == .process(ProcessIdentity(pid: 4242, startTicks: 99), name: "nginx"))
        #expect(detail.signal.message.summary == "nginx waits 12.5 ms")
        #expect(detail.signal.culprits == [culprit])
        #expect(detail.victims == [victim])
        #expect(detail.evidence == [input, bare])
        #expect(try reader.signal(id: 3)?.signal.culprits == [])
        #expect(open.map(\.id) == [2])
        #expect(open.first?.finding.evidence == [input, bare])

        let counts = try reader.counts(from: start, to: start.advanced(bySeconds: 3600))
        #expect(counts.total.count == 3)
        #expect(counts[.scheduler, .high] == SignalCounts.Cell(count: 1, scoreSum: 7500))
        #expect(counts[.scheduler, .low] == SignalCounts.Cell(count: 1, scoreSum: 2500))
        #expect(try reader.severityCounts(from: start, to: start.advanced(bySeconds: 3600)).total.count == 3)
        var query = SignalQuery()
        query.entity = "4242@99"
        #expect(try reader.signals(query).signals.map(\.id) == [2, 1])
    }

    @Test func `neither a person's own view nor a damaged row keeps the others from being carried over`() throws {
        try make(3)
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.write { db in
            try db.execute(
                sql: """
                    CREATE VIEW mine AS SELECT id, summary FROM signal_metadata;
                    UPDATE signal_details SET culprits = '[{"comm":' WHERE signal_id = 1;
                    UPDATE signal_details SET evidence = '[{"metric":null,"value":null,"unit":"ms","window":1}]'
                        WHERE signal_id = 1;
                    """)
        }
        try queue.close()
        try Writer(path: scratch.database).close()
        let reader = Reader(path: scratch.database)
        let damaged = try #require(try reader.signal(id: 1))
        #expect(damaged.signal.culprits.isEmpty && damaged.victims == [victim])
        // No number is not zero.
        #expect(damaged.evidence.count == 1 && damaged.evidence.first?.value.isNaN == true)
        #expect(try reader.signal(id: 2)?.signal.culprits == [culprit])
        let shown = try look(scratch.database) { try String.fetchOne($0, sql: "SELECT summary FROM mine WHERE id = 2") }
        #expect(shown == "nginx waits 12.5 ms")
    }

    private let culprit = Culprit(
        process: ProcessIdentity(pid: 77, startTicks: 5), comm: "a \"b\"", cgroup: "/", share: 0.9,
        measure: "CPU time")
    private let victim = Victim(
        process: ProcessIdentity(pid: 4242, startTicks: 99), comm: "nginx", cgroup: "/x",
        stallMillisecondsPerSecond: 120.5, stall: "run-queue wait")
    private let input = Evidence(
        metric: "runq.latency", value: 12.5, unit: "ms", threshold: 5, window: 1,
        baseline: .init(median: 1, p95: 2.5, hour: 4))
    private let bare = Evidence(metric: "pressure.cpu.some", value: 0.25, unit: "share", window: 1)

    private func make(_ version: Int) throws {
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.write { db in
            let steps = [SchemaVersion1.statements, SchemaVersion2.statements, SchemaVersion3.statements]
            for statement in steps.prefix(version).joined() { try db.execute(sql: statement) }
            try db.execute(
                sql: """
                    PRAGMA application_id = \(Schema.signals.applicationID); PRAGMA user_version = \(version);
                    INSERT INTO templates VALUES (1, '{0} waits {1} ms', '[]', '[]');
                    INSERT INTO labels VALUES (1, 'cpu_starvation', 'symptom');
                    INSERT INTO entities VALUES (1, 'nginx', 'process', ''), (2, 'host', 'system', 'host');
                    UPDATE store_state SET last_signal_id = 3;
                    """)
            for (id, severity, state) in [(1, "low", "closed"), (2, "high", "open"), (3, "medium", "closed")] {
                let isProcess = id < 3
                try db.execute(
                    sql: """
                        INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, 1, 100, 1, ?, ?, 1, '["nginx","12.5"]', ?, NULL, 3, 1)
                        """,
                    arguments: [
                        id, start.nanoseconds + Int64(id) * 60_000_000_000,
                        isProcess ? "scheduler" : "load_mismatch", severity, state, id == 2 ? 7500 : 2500,
                        isProcess ? 1 : 2, isProcess ? "4242@99" : nil, start.nanoseconds,
                    ])
            }
            // The third has no details: none were found.
            for id in 1...2 {
                try db.execute(
                    sql: "INSERT INTO signal_details VALUES (?, ?, ?, ?)",
                    arguments: [id, try json([input, bare]), try json([culprit]), try json([victim])])
            }
            for (number, statements) in [(4, SchemaVersion4.statements), (5, SchemaVersion5.statements)]
            where number <= version {
                for statement in statements + ["PRAGMA user_version = \(number)"] { try db.execute(sql: statement) }
            }
        }
        try queue.close()
    }

    private func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
