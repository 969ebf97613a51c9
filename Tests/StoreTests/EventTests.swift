import Foundation
import GRDB
import Model
import Testing

@testable import Store

struct EventTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `an open episode cites the worst events of its process, up to a bound`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        let events = (1...20).map { wait(UInt64($0) * 1000) } + (1...5).map { wait(UInt64($0) * 1_000_000, pid: 1) }
        writer.submit(
            TickRecord(time: start, episodes: [episode(1, state: .open)], events: .init(scheduler: events)))
        try writer.flush()
        writer.submit(
            TickRecord(time: start, episodes: [episode(1, state: .open)], events: .init(scheduler: events)))
        writer.close()
        let detail = try #require(try Reader(path: scratch.database).signal(id: 1))
        #expect(detail.events.count == Citations.perSignal)
        let waits = try detail.events.map { event -> Int in
            let object = try JSONSerialization.jsonObject(with: Data(event.json.utf8)) as? [String: Any]
            #expect(object?["pid"] as? Int == 4242)
            return object?["wait_ns"] as? Int ?? 0
        }
        #expect(Set(waits) == Set((13...20).map { $0 * 1000 }))
        #expect(writer.status.stored.events == [.scheduler: 50])
        try look(scratch.database) { db in
            let row = try #require(try Row.fetchOne(db, sql: "SELECT source_table, source_id FROM signal_metadata"))
            #expect(row[0] == "sched_events")
        }
    }

    @Test func `every field of every event is stored, also what needs 64 bits`() throws {
        let syscall = SyscallEvent(
            time: start, task: task(comm: "q\"\n"), cpu: 3, number: 0, name: "read", category: .blockingIO,
            latencyNanoseconds: 5, blockedNanoseconds: nil, returnValue: -5, firstArgument: .max)
        let fault = PageFaultEvent(
            time: start, task: task(), cpu: 0, address: 0xFFFF_FFFF_FF60_0000, access: .write, userMode: true,
            major: true,
            latencyNanoseconds: 9)
        let io = BlockIOEvent(
            time: start, task: task(), major: 8, minor: 0, device: "sda", operation: .write, sector: .max, bytes: 4096,
            latencyNanoseconds: 7, queuedNanoseconds: 3, error: 5)
        let writer = try Writer(path: scratch.database, configuration: .eager)
        let episodes = [
            episode(1, .syscall, label: "blocking_io", state: .open), episode(2, .pageFault, state: .open),
            episode(3, .ioCongestion, entity: Entity(kind: .device, id: "8:0", name: "sda"), state: .open),
        ]
        writer.submit(
            TickRecord(
                time: start, episodes: episodes,
                events: .init(syscalls: [syscall], pageFaults: [fault], blockIO: [io])))
        writer.close()
        let reader = Reader(path: scratch.database)
        let json = try (1...3).map { try #require(try reader.signal(id: $0)?.events.first?.json) }
        #expect(json[0].contains(#""arg0":"0xffffffffffffffff""#) && json[0].contains(#""blocked_ns":null"#))
        #expect(json[0].contains(#""ret_value":-5"#) && json[0].contains(#""comm":"q\"\n""#))
        #expect(json[1].contains(#""address":"0xffffffffff600000""#) && json[1].contains(#""user_mode":true"#))
        #expect(json[2].contains(#""operation":"write""#) && json[2].contains(#""error":5"#))
        let plain = try look(scratch.database) { try Int64.fetchOne($0, sql: "SELECT sector FROM io_events") }
        #expect(plain == -1)
    }

    @Test func `the byte cap takes the oldest events of all tables, and leaves what a signal cites`() throws {
        var configuration = WriterConfiguration.eager
        configuration.eventBytes = 200_000
        let writer = try Writer(path: scratch.database, configuration: configuration)
        writer.submit(
            TickRecord(
                time: start, episodes: [episode(1, state: .open), episode(1, state: .closed)],
                events: .init(scheduler: [wait(5000)])))
        try writer.flush()
        writer.submit(
            TickRecord(time: start, episodes: [episode(2, state: .open)], events: .init(scheduler: [wait(6000)])))
        try writer.flush()
        for second in 1...100 {
            let time = start.advanced(bySeconds: Double(second))
            let faults = (0..<50).map {
                PageFaultEvent(
                    time: time, task: task(7), cpu: 0, address: UInt64($0), access: .read, userMode: true, major: true,
                    latencyNanoseconds: 9)
            }
            writer.submit(
                TickRecord(
                    time: time,
                    events: .init(scheduler: (0..<50).map { _ in wait(1, pid: 7, at: time) }, pageFaults: faults)))
        }
        try writer.flush()
        try eventually("events go down to the cap") { try usage() <= 200_000 }
        try look(scratch.database) { db in
            let kept = try Int.fetchOne(db, sql: "SELECT count(*) FROM sched_events WHERE wait_ns > 1000")
            #expect(kept == 2)
            let oldest = try ["sched_events", "page_fault_events"].map {
                try Int64.fetchOne(db, sql: "SELECT min(timestamp) FROM \($0) WHERE pid = 7") ?? 0
            }
            #expect(abs(oldest[0] - oldest[1]) <= 20_000_000_000)
            #expect(oldest[0] > start.nanoseconds + 30_000_000_000)
        }
        // With its signal, a cited event goes too.
        writer.close()
        try run("/usr/bin/sqlite3", scratch.database, "DELETE FROM signal_metadata WHERE id = 1")
        #expect(try count(scratch.database, "sched_events WHERE wait_ns > 1000") == 1)
        let usages = try look(scratch.database) { db in
            try Row.fetchAll(db, sql: "SELECT source, rows, bytes FROM event_usage WHERE rows > 0")
        }
        for row in usages { #expect(try count(scratch.database, row[0]) == row[1]) }
    }

    @Test func `ids of events are not used again after a table was emptied`() throws {
        let first = try Writer(path: scratch.database, configuration: .eager)
        first.submit(TickRecord(time: start, events: .init(scheduler: (0..<10).map { _ in wait(1) })))
        first.close()
        try run(
            "/usr/bin/sqlite3", scratch.database,
            "UPDATE event_usage SET emptied_to = 10 WHERE source = 'sched_events'; DELETE FROM sched_events")
        let second = try Writer(path: scratch.database, configuration: .eager)
        second.submit(TickRecord(time: start, events: .init(scheduler: [wait(1)])))
        second.close()
        #expect(try look(scratch.database) { try Int.fetchOne($0, sql: "SELECT id FROM sched_events") } == 11)
    }

    @Test func `what a row is counted for is about what it takes on disk`() throws {
        let writer = try Writer(path: scratch.database)
        let time = start
        writer.submit(
            TickRecord(
                time: time,
                events: .init(
                    syscalls: (0..<4000).map {
                        SyscallEvent(
                            time: time.advanced(bySeconds: Double($0)), task: task(), cpu: 1, number: 74, name: "fsync",
                            category: .blockingIO, latencyNanoseconds: 20_000_000 + UInt64($0),
                            blockedNanoseconds: 19_000_000, returnValue: 0, firstArgument: 12)
                    }, scheduler: (0..<4000).map { wait(20_000_000, at: time.advanced(bySeconds: Double($0))) },
                    pageFaults: (0..<4000).map {
                        PageFaultEvent(
                            time: time.advanced(bySeconds: Double($0)), task: task(), cpu: 0,
                            address: 0x7F00_1234_5000 + UInt64($0), access: .read, userMode: true, major: true,
                            latencyNanoseconds: 20_000_000)
                    },
                    blockIO: (0..<4000).map {
                        BlockIOEvent(
                            time: time.advanced(bySeconds: Double($0)), task: task(), major: 253, minor: 0,
                            device: "vda",
                            operation: .write, sector: 1 << 33, bytes: 65536, latencyNanoseconds: 20_000_000,
                            queuedNanoseconds: 1_000_000, error: 0)
                    })))
        writer.close()
        for source in EventSource.allCases {
            let sql = """
                SELECT (SELECT sum(pgsize) FROM dbstat WHERE name IN ('\(source.rawValue)',
                    'idx_\(source.rawValue)_timestamp')), (SELECT bytes FROM event_usage WHERE source = '\(source.rawValue)')
                """
            let numbers = try run("/usr/bin/sqlite3", scratch.database, sql).output
                .split(separator: "|").compactMap { Double($0.trimmingCharacters(in: .newlines)) }
            try #require(numbers.count == 2)
            #expect(abs(numbers[1] / numbers[0] - 1) < 0.15, "\(source): counted \(numbers[1]), on disk \(numbers[0])")
        }
    }

    private func usage() throws -> Int {
        try look(scratch.database) { try Int.fetchOne($0, sql: "SELECT sum(bytes) FROM event_usage") ?? 0 }
    }
}
