import Foundation
import Model
import Store
import Testing

@testable import Agent

/// What the agent reads of a victim, from a real store.
struct MeasurementsTests {
    /// What is missing of five seconds with a victim that moves no number, and beside it somebody whose D state was measured, or not.
    private func gap(blocked: UInt64?) throws -> String? {
        let directory = FileManager.default.temporaryDirectory.appending(path: "measurements-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "kernelsight.db").path
        let start = Timestamp.now.advanced(bySeconds: -10)
        let victim = ProcessIdentity(pid: 1, startTicks: 0)
        let grade = Grade(severity: .high, score: 0.8)
        var finding = Finding(message: Message(.init(summary: "slow"), []), evidence: [])
        finding.victims = [
            Victim(
                process: victim, comm: "postgres", cgroup: "/", stallMillisecondsPerSecond: 900,
                stall: "blocked on I/O")
        ]
        var episode = Episode(
            id: 1, key: .init(type: .ioCongestion, entity: .host, label: "io_congestion"), opened: start,
            lastSeen: start, peak: grade, current: grade, finding: finding)
        let writer = try Writer(path: path)
        for second in 1...5 {
            let time = start.advanced(bySeconds: Double(second))
            var other = ProcessActivity(identity: .init(pid: 2, startTicks: 0), comm: "other", scheduling: .init())
            other.scheduling?.blockedNanoseconds = blocked
            episode.lastSeen = time
            writer.submit(TickRecord(time: time, episodes: [episode], processes: [other]))
            try writer.flush()
        }
        writer.close()
        let measurements = Measurements(reader: Reader(path: path), thresholds: Thresholds())
        let problem = try #require(try measurements.observation().signals.first?.problem)
        return try measurements.measurement(of: problem, from: start, to: start.advanced(bySeconds: 5)).gap
    }

    @Test func `who waits for memory waits as long as the longest of what is measured of it`() throws {
        func stall(faults: Int, blocked: String, stalled: String) throws -> [Double] {
            let json = """
                [{"pid": 812, "comm": "postgres", "start_ticks": 7, "faults": {"latency_ns": \(faults)},
                "scheduling": {"cpu_ns": 0, "wait_ns": 0, "blocked_ns": \(blocked), "memory_stall_ns": \(stalled)}}]
                """
            let record = try #require(try ProcessRecord.list(json).first)
            return ["waiting for memory", "page-fault latency", "blocked on I/O"].map(record.stall)
        }
        #expect(try stall(faults: 5_000_000, blocked: "30000000", stalled: "900000000") == [900, 900, 30])
        #expect(try stall(faults: 5_000_000, blocked: "30000000", stalled: "0") == [30, 30, 30])
        #expect(try stall(faults: 5_000_000, blocked: "null", stalled: "null") == [5, 5, 0])
    }

    @Test func `a victim that is not there was not blocked, but only where that was measured`() throws {
        #expect(try gap(blocked: 0) == nil)
        #expect(
            try gap(blocked: nil)
                == "how long postgres was blocked on I/O was not measured in every second")
    }
}
