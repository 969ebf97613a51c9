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

    @Test func `each step of the governor is a row, in order`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        let down = CoverageStep(.syscall, from: .full, to: .off, reason: "the cost is 8993 % of the budget")
        let up = CoverageStep(.syscall, from: .off, to: .full, reason: "the cost will be 25 % of the budget")
        writer.submit(TickRecord(time: start, steps: [(start, down)]))
        writer.submit(TickRecord(time: start.advanced(bySeconds: 9), steps: [(start, up)]))
        try writer.flush()
        let rows = try look(scratch.database) { db in
            try String.fetchAll(
                db, sql: "SELECT tracer || ' ' || from_coverage || ' ' || to_coverage FROM governor_steps ORDER BY id")
        }
        #expect(rows == ["syscall_tracer full off", "syscall_tracer off full"])
        writer.close()
    }
}
