import Foundation
import GRDB
import Model
import Testing

@testable import Store

struct PowerCutTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `files copied in mid-write open clean and hold every batch that was reported`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        let stop = Monitor(false)
        let feeder = Thread {
            var id: Int64 = 0
            while !stop.read({ $0 }) {
                let episodes = (0..<50).map { _ in
                    id += 1
                    return episode(id)
                }
                let time = start.advanced(bySeconds: Double(id) / 50)
                writer.submit(
                    TickRecord(
                        time: time, samples: [MetricSample("cpu.busy", Double(id))], episodes: episodes,
                        events: .init(scheduler: [wait(7, at: time)])))
                usleep(5000)
            }
            stop.change { $0 = false }
        }
        feeder.start()
        for number in 0..<20 {
            let target = UInt64(number * 100)
            try eventually("more is stored") { writer.status.stored.episodes > target }
            let reported = writer.status.stored.episodes
            let copy = scratch.path + "/copy\(number).db"
            // The WAL last: what it holds then is at least what was there when the database was read, unless it was
            // started afresh in between. A power cut stops both at once; two copies have to be taken again.
            try eventually("two copies of the same WAL") {
                let header = try walHeader()
                try run("/bin/cp", scratch.database, copy)
                try run("/bin/cp", scratch.database + "-wal", copy + "-wal")
                return try walHeader() == header
            }
            let check = try run("/usr/bin/sqlite3", copy, "PRAGMA integrity_check; SELECT count(*) FROM signals")
            let lines = check.output.split(separator: "\n")
            #expect(lines.first == "ok", "copy \(number): \(check.output)")
            #expect(UInt64(lines.last ?? "") ?? 0 >= reported, "copy \(number)")
            let total = try run("/usr/bin/sqlite3", copy, "SELECT sum(low) FROM rollups WHERE span = 0").output
            #expect(total.dropLast() == lines.last ?? "")
            for suffix in ["", "-wal", "-shm"] { unlink(copy + suffix) }
        }
        stop.change { $0 = true }
        stop.wait { $0 ? .untilChange : .done(()) }
        writer.close()
    }

    /// Changes whenever the WAL is written from its beginning again.
    private func walHeader() throws -> Data {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: scratch.database + "-wal"))
        defer { try? file.close() }
        return try #require(try file.read(upToCount: 32))
    }
}
