import Foundation
import GRDB
import Model
import Testing

@testable import Store

/// Every statement that the reader and the writer run, as SQLite sees it: no walk through a big table, no sorting.
struct PlanTests {
    private static let big = [
        "signals", "signal_events", "rollups", "series_rows", "series_chunks", "entities",
        "syscall_events", "sched_events", "page_fault_events", "io_events",
    ]

    @Test func `no statement walks a big table or sorts one`() throws {
        let scratch = try Scratch()
        let writer = try Writer(path: scratch.database)
        writer.submit(
            TickRecord(
                time: start, samples: [MetricSample("cpu.busy", 1)], episodes: [episode(1, state: .open)],
                events: .init(scheduler: [wait(5)])))
        writer.close()
        let reader = Reader(path: scratch.database)
        let statements = try reader.read { connection, db in
            let log = Monitor<Set<String>>([])
            db.trace(options: .statement) { event in
                if case .statement(let statement) = event { log.change { _ = $0.insert(statement.sql) } }
            }
            defer { db.trace() }
            var query = SignalQuery()
            query.since = start
            for entity in [nil, "nginx", "1@2"] {
                for state in [nil, Episode.State.open, .unknown] {
                    for severity in Severity.allCases {
                        for types in [[], [SignalType.syscall]] {
                            query.entity = entity
                            query.state = state
                            query.minimumSeverity = severity
                            query.types = Set(types)
                            _ = try SignalPlan(query, db).signals(connection, db, limit: 5)
                        }
                    }
                }
            }
            return log.read { $0 }
        }
        let others =
            SignalPlan.statements + EventSource.allCases.map(\.cited) + [
                StoredSignal.one, Reader.openingsOfEntity, Reader.openingsOfProcess, Reader.latestSQL, Reader.namedSQL,
                Reader.openGradesSQL, Reader.countsSQL,
                Reader.severitiesSQL, Retention.emptyRollups,
                SeriesSource.chunksSQL, SeriesSource.rowsSQL,
                "SELECT count(*) FROM signals WHERE state = 1",
            ]
        try check(statements.union(others), in: scratch.database)
    }

    @Test func `no statement of the writer walks a big table or sorts one`() throws {
        let scratch = try Scratch()
        var configuration = WriterConfiguration.eager
        configuration.signalDays = 1
        configuration.eventBytes = 1
        let session = try WriterSession(path: scratch.database, configuration: configuration)
        let log = Monitor<Set<String>>([])
        session.queue.writeWithoutTransaction { db in
            db.trace(options: .statement) { event in
                if case .statement(let statement) = event { log.change { _ = $0.insert(statement.sql) } }
            }
        }
        // Two days apart, so that there is something to remove of everything; what is cited, open and new stays.
        for (id, day, state) in [(Int64(1), 0, Episode.State.closed), (2, 0, .open), (3, 2, .open)] {
            let time = start.advanced(bySeconds: Double(day) * 86_400)
            var batch = Batch()
            let record = TickRecord(
                time: time, samples: [MetricSample("cpu.busy", 1, count: 1)],
                histograms: [HistogramSample("runq.latency", LatencyHistogram())],
                episodes: [episode(id, state: state, at: time)], events: .init(scheduler: [wait(5)]),
                processes: [ProcessActivity(identity: .init(pid: 1, startTicks: 1), comm: "a")],
                components: [ComponentState(component: "a", status: .ok, message: "", detail: "{}")],
                baselines: ["cpu.busy": "{}"])
            _ = batch.add(record, pendingRows: 10, pendingTicks: 10)
            try session.commit(batch, at: time)
        }
        while try session.maintain(configuration) != nil {}
        _ = try session.prune(before: start.advanced(bySeconds: 1e6))
        _ = try session.contents()
        _ = try (session.openEpisodes(), session.baselines(), session.nextEpisodeID())
        session.close()
        let statements = log.read { $0 }
        for table in ["signals", "series_rows", "series_chunks", "rollups", "sched_events", "process_snapshots"] {
            #expect(statements.contains { $0.contains("DELETE FROM \(table)") }, "nothing was removed from \(table)")
        }
        try check(statements, in: scratch.database)
    }

    private func check(_ statements: Set<String>, in database: String) throws {
        let kinds = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"]
        for sql in statements where kinds.contains(where: sql.hasPrefix) {
            let plan = try look(database) { db in
                var lines: [String] = []
                try db.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql).rows { lines.append($0.text(3)) }
                return lines
            }
            for line in plan {
                let table = line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                let whole =
                    line.hasPrefix("SCAN") && (Self.big.contains(table) || ["s", "v", "c", "r"].contains(table))
                // Of an index in its order the first row is read, and no other.
                let isFirst = sql.hasSuffix("LIMIT 1") && !sql.contains("WHERE")
                #expect(!whole || line.contains("idx_open") || isFirst, "\(line) in \(sql)")
                // By the span alone all rollups of it would be read.
                #expect(
                    !line.hasPrefix("SEARCH") || !["r", "rollups"].contains(table)
                        || line.contains("type=? AND start"), "\(line) in \(sql)")
                #expect(!line.contains("TEMP B-TREE") || sql.contains("UNION"), "\(line) in \(sql)")
            }
        }
    }
}
