import Foundation
import GRDB
import Model
import Testing

@testable import Store

/// Every statement that the reader runs, and what upkeep asks once a second, as SQLite sees it: no walk through a big table, no sorting.
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
                StoredSignal.one, Reader.countsSQL, Reader.severitiesSQL, Retention.emptyRollups,
                SeriesSource.chunksSQL, SeriesSource.rowsSQL,
                "SELECT count(*) FROM signals WHERE state = 1",
            ]
        for sql in statements.union(others) where !sql.hasPrefix("PRAGMA") {
            let plan = try look(scratch.database) { db in
                var lines: [String] = []
                try db.makeStatement(sql: "EXPLAIN QUERY PLAN " + sql).rows { lines.append($0.text(3)) }
                return lines
            }
            for line in plan {
                let table = line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                let whole =
                    line.hasPrefix("SCAN") && (Self.big.contains(table) || ["s", "v", "c", "r"].contains(table))
                #expect(!whole || line.contains("idx_open"), "\(line) in \(sql)")
                // By the span alone all rollups of it would be read.
                #expect(
                    !line.hasPrefix("SEARCH") || !["r", "rollups"].contains(table)
                        || line.contains("type=? AND start"), "\(line) in \(sql)")
                #expect(!line.contains("TEMP B-TREE") || sql.contains("UNION"), "\(line) in \(sql)")
            }
        }
    }
}
