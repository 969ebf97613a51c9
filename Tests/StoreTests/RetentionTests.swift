import Foundation
import GRDB
import Model
import Testing

@testable import Store

struct RetentionTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `signals older than their days go by themselves, the open ones stay, and the file shrinks`() throws {
        var configuration = WriterConfiguration.eager
        configuration.signalDays = 2
        let writer = try Writer(path: scratch.database, configuration: configuration)
        let old = (1...6000).map {
            episode(
                $0, entity: .process(ProcessIdentity(pid: Int32($0), startTicks: 1), name: "p\($0)"),
                state: $0 == 5 ? .open : .closed, at: start.advanced(bySeconds: Double($0)))
        }
        writer.submit(TickRecord(time: start.advanced(bySeconds: 6000), episodes: old))
        try writer.flush()
        writer.submit(
            TickRecord(
                time: start.advanced(bySeconds: 6001), episodes: [episode(7000, at: start.advanced(bySeconds: 6001))]))
        try writer.flush()
        // A checkpoint first, so that the size is the database's own.
        try eventually("the rows are there") { writer.status.stored.episodes == 6001 }
        let later = start.advanced(bySeconds: 3 * 86400)
        writer.submit(TickRecord(time: later, episodes: [episode(7001, at: later)]))
        try writer.flush()
        try eventually("only what is open or new is left") { try count(scratch.database, "signals") == 2 }
        try eventually("names without a signal are swept") { try count(scratch.database, "entities") <= 2 }
        try eventually("free pages are given back") {
            try look(scratch.database) { try Int.fetchOne($0, sql: "PRAGMA freelist_count") ?? 0 } <= 256
        }
        writer.close()
        let size = try FileManager.default.attributesOfItem(atPath: scratch.database)[.size] as? Int ?? 0
        #expect(size < 2_000_000)
        let reader = Reader(path: scratch.database)
        #expect(try reader.health().signalCount == 2)
        #expect(try reader.signals().signals.map(\.id) == [7001, 5])
        #expect(try count(scratch.database, "rollups WHERE span = 60 AND type = 0") == 2)
    }

    @Test func `prune removes what is asked for in steps and says how much`() async throws {
        let writer = try Writer(path: scratch.database)
        let episodes = (1...1700).map {
            episode($0, state: $0 == 9 ? .open : .closed, at: start.advanced(bySeconds: Double($0)))
        }
        writer.submit(TickRecord(time: start, episodes: episodes))
        try writer.flush()
        let removed = try await writer.prune(olderThan: start.advanced(bySeconds: 1601))
        #expect(removed == 1599)
        #expect(try Reader(path: scratch.database).health().signalCount == 101)
        #expect(try await writer.prune(olderThan: start) == 0)
        writer.close()
    }

    @Test func `a clock that jumps a month deletes nothing for now, but a prune does not wait`() async throws {
        let later = start.advanced(bySeconds: 40 * 86_400)
        for (number, tick) in [start, later].enumerated() {
            let writer = try Writer(path: scratch.database)
            writer.submit(
                TickRecord(
                    time: tick, samples: [MetricSample("cpu.busy", 1)],
                    episodes: [episode(Int64(number + 1), at: tick)],
                    processes: [ProcessActivity(identity: ProcessIdentity(pid: 9, startTicks: 1), comm: "a")]))
            try writer.flush()
            try eventually("upkeep has looked at it") { writer.status.oldestSignal != nil }
            #expect(try #require(writer.status.heldSeconds) > 500)
            #expect(writer.status.retired == 0)
            for table in ["signals", "process_snapshots"] { #expect(try count(scratch.database, table) == number + 1) }
            #expect(try await writer.prune(olderThan: tick) == number)
            writer.close()
        }
    }

    @Test func `what is kept for how long can change while the writer runs, and readers are told`() throws {
        var configuration = WriterConfiguration.eager
        configuration.signalDays = 3650
        let writer = try Writer(path: scratch.database, configuration: configuration)
        for (number, day) in [0, 100].enumerated() {
            let time = start.advanced(bySeconds: Double(day) * 86_400)
            writer.submit(TickRecord(time: time, episodes: [episode(Int64(number + 1), at: time)]))
        }
        try writer.flush()
        #expect(try count(scratch.database, "signals") == 2)
        configuration.signalDays = 30
        configuration.tiers[3].retention = 365 * 86_400
        configuration.flushInterval = .seconds(315_360_000)
        configuration.batchRows = 2
        writer.apply(configuration)
        try eventually("the old signal goes") { try count(scratch.database, "signals") == 1 }
        #expect(try count(scratch.database, "series_tiers WHERE width = 3600 AND retention = 31536000") == 1)
        #expect(try count(scratch.database, "series_tiers") == 4)
        let commits = writer.status.commits
        writer.submit(TickRecord(time: start, episodes: [episode(3)]))
        #expect(writer.status.pendingRows == 1)
        writer.submit(TickRecord(time: start, episodes: [episode(4)]))
        try eventually("two rows are due at once") { writer.status.commits == commits + 1 }
        writer.close()
    }

    @Test func `a signal that is still followed outlives retention and prune, open or unknown`() async throws {
        var configuration = WriterConfiguration.eager
        configuration.signalDays = 1
        let writer = try Writer(path: scratch.database, configuration: configuration)
        let states: [Episode.State] = [.open, .unknown, .closed]
        let old = states.enumerated().map { episode(Int64($0 + 1), state: $1) }
        writer.submit(TickRecord(time: start, episodes: old))
        try writer.flush()
        let later = start.advanced(bySeconds: 2 * 86400)
        writer.submit(TickRecord(time: later, samples: [MetricSample("cpu.busy", 1)]))
        try writer.flush()
        try eventually("the closed one goes") { try count(scratch.database, "signals") == 2 }
        #expect(try await writer.prune(olderThan: later) == 0)
        writer.submit(TickRecord(time: later, episodes: [episode(2, state: .closed, at: start)]))
        writer.close()
        let reader = Reader(path: scratch.database)
        #expect(try reader.signal(id: 2)?.signal.state == .closed)
        #expect(try reader.health().signalCount == 2)
    }

    @Test func `a followed signal whose row was deleted by hand is written again, with its rollups`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        writer.submit(TickRecord(time: start, episodes: [episode(1, state: .open)]))
        try writer.flush()
        let deleted = try run(
            "/usr/bin/sqlite3", "-cmd", ".timeout 5000", scratch.database, "DELETE FROM signal_metadata")
        try #require(deleted.status == 0, "\(deleted.output)")
        writer.submit(TickRecord(time: start, episodes: [episode(1, state: .closed)]))
        writer.close()
        let reader = Reader(path: scratch.database)
        #expect(try reader.signal(id: 1)?.signal.state == .closed)
        #expect(try reader.health().signalCount == 1)
    }

    @Test func `process snapshots are kept for minutes only`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        for minute in 0..<20 {
            writer.submit(
                TickRecord(
                    time: start.advanced(bySeconds: Double(minute) * 60),
                    processes: [ProcessActivity(identity: ProcessIdentity(pid: 9, startTicks: 1), comm: "a")]))
            try writer.flush()
        }
        try eventually("the old ones go") { try count(scratch.database, "process_snapshots") <= 6 }
        writer.close()
    }

    @Test func `the WAL stays small while readers come and go, and after one that stayed`() throws {
        var configuration = WriterConfiguration.eager
        configuration.walBytes = 8 << 20
        let writer = try Writer(path: scratch.database, configuration: configuration)
        let reader = Reader(path: scratch.database)
        var id: Int64 = 0
        func write(_ batches: Int) throws {
            for _ in 0..<batches {
                let episodes = (0..<500).map { _ in
                    id += 1
                    return episode(id)
                }
                writer.submit(TickRecord(time: start, episodes: episodes))
                try writer.flush()
                _ = try reader.signals()
            }
        }
        try write(60)
        #expect(writer.status.walBytes <= 10 << 20)
        try Reader(path: scratch.database, timeLimit: .seconds(60)).read { _, db in
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM components")
            try write(60)
            #expect(writer.status.walBytes > 8 << 20)
        }
        try write(3)
        #expect(writer.status.walBytes <= 8 << 20)
        writer.close()
    }
}
