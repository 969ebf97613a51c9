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
            let copy = scratch.path + "/copy\(number).db"
            var reported: UInt64 = 0
            // A power cut is one moment and two copies are not. They are as good as one if the WAL, copied last, was not
            // started afresh meanwhile: then it still has whatever a checkpoint had not brought over when the other was read.
            try eventually("the same WAL before and after") {
                reported = writer.status.stored.episodes
                let before = walHeader()
                try run("/bin/cp", scratch.database, copy)
                try run("/bin/cp", scratch.database + "-wal", copy + "-wal")
                return !before.isEmpty && walHeader() == before
            }
            let check = try run("/usr/bin/sqlite3", copy, "PRAGMA integrity_check; SELECT count(*) FROM signals")
            let lines = check.output.split(separator: "\n")
            #expect(lines.first == "ok", "copy \(number): \(check.output)")
            #expect(UInt64(lines.last ?? "") ?? 0 >= reported, "copy \(number)")
            let total = try run("/usr/bin/sqlite3", copy, "SELECT sum(low) FROM rollups WHERE span = 0 AND type = 0")
                .output
            #expect(total.dropLast() == lines.last ?? "")
            for suffix in ["", "-wal", "-shm"] { unlink(copy + suffix) }
        }
        stop.change { $0 = true }
        stop.wait { $0 ? .untilChange : .done(()) }
        writer.close()
    }

    /// With the salts that change when the WAL is started afresh.
    private func walHeader() -> Data {
        guard let file = FileHandle(forReadingAtPath: scratch.database + "-wal") else { return Data() }
        return (try? file.read(upToCount: 32)) ?? Data()
    }
}
