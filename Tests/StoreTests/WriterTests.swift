import Foundation
import Model
import Testing

@testable import Store

struct WriterTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `a second writer is refused and told who writes`() throws {
        let first = try Writer(path: scratch.database)
        #expect(throws: StoreError.writerRuns(path: scratch.database, pid: getpid())) {
            try Writer(path: scratch.database)
        }
        first.close()
        try Writer(path: scratch.database).close()
    }

    @Test func `a writer that is refused closes no file of another thread`() throws {
        let first = try WriterLock(database: scratch.database)
        let refused = Thread { [scratch] in
            while !Thread.current.isCancelled { _ = try? WriterLock(database: scratch.database) }
        }
        refused.start()
        defer {
            refused.cancel()
            first.release()
        }
        var taken = 0
        for _ in 0..<20_000 {
            let file = open("/dev/null", O_WRONLY | O_CLOEXEC)
            // Long enough for a close too many.
            sched_yield()
            if write(file, "x", 1) != 1 { taken += 1 }
            close(file)
        }
        #expect(taken == 0)
    }

    @Test func `a database is free at once, also while a child that is being started has a copy of the lock`() throws {
        let lock = try WriterLock(database: scratch.database)
        let copy = dup(lock.descriptor)
        defer { close(copy) }
        lock.release()
        try WriterLock(database: scratch.database).release()
    }

    @Test func `a batch that is full is written within a second, however long a small one may wait`() throws {
        var configuration = WriterConfiguration()
        configuration.batchRows = 10
        configuration.flushInterval = .seconds(315_360_000)  // Longer than any machine has been up.
        let writer = try Writer(path: scratch.database, configuration: configuration)
        writer.submit(TickRecord(time: start, episodes: (1...10).map { episode($0) }))
        try eventually("ten rows are due at once") { writer.status.commits == 1 }
        let first = ContinuousClock.now
        writer.submit(TickRecord(time: start, episodes: (11...30).map { episode($0) }))
        try eventually("the next ones are due a second later") { writer.status.commits == 2 }
        #expect(ContinuousClock.now - first > .milliseconds(500))
        writer.submit(TickRecord(time: start, episodes: (31...39).map { episode($0) }))
        #expect(writer.status.pendingRows == 9)
        try writer.flush()
        #expect(writer.status.commits == 3)
        #expect(writer.status.stored.episodes == 39)
    }

    @Test func `under load commits do not become more frequent`() throws {
        var configuration = WriterConfiguration()
        configuration.batchRows = 1
        configuration.flushInterval = .milliseconds(100)
        let writer = try Writer(path: scratch.database, configuration: configuration)
        let began = ContinuousClock.now
        var id: Int64 = 0
        while ContinuousClock.now - began < .milliseconds(600) {
            id += 1
            writer.submit(TickRecord(time: start, episodes: [episode(id)]))
            usleep(500)
        }
        let elapsed = (ContinuousClock.now - began) / .milliseconds(100)
        #expect(Double(writer.status.commits) <= elapsed + 1)
        writer.close()
        #expect(try count(scratch.database, "signals") == Int(id))
    }

    @Test func `an episode is one row from opening to closing, however often it is written`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        var written = episode(5, state: .open)
        for severity in Severity.allCases {
            written.peak = Grade(severity: severity, score: Double(severity.rawValue) / 4)
            written.occurrences += 1
            writer.submit(TickRecord(time: start, episodes: [written]))
            try writer.flush()
        }
        written.state = .closed
        written.closed = start.advanced(bySeconds: 9)
        writer.submit(TickRecord(time: start, episodes: [written]))
        writer.submit(TickRecord(time: start, episodes: [written]))
        writer.close()
        let reader = Reader(path: scratch.database)
        let stored = try #require(try reader.signal(id: 5)).signal
        #expect(stored.state == .closed)
        #expect(stored.peak == Grade(severity: .critical, score: 1))
        #expect(stored.occurrences == 5)
        #expect(stored.closed == written.closed)
        #expect(try reader.health().signalCount == 1)
    }

    @Test func `a collector that starts again finds its open episodes as they were`() throws {
        let first = try Writer(path: scratch.database)
        #expect(first.nextEpisodeID == 1)
        let open = episode(3, .syscall, .high, state: .open, at: start.advanced(bySeconds: 5))
        let unknown = episode(4, .ioCongestion, entity: Entity(kind: .device, id: "8:0", name: "sda"), state: .unknown)
        first.submit(TickRecord(time: start, episodes: [open, episode(2), unknown]))
        first.close()
        let second = try Writer(path: scratch.database)
        let resumed = second.openEpisodes()
        #expect(resumed.map(\.id) == [3, 4])
        #expect(second.nextEpisodeID == 5)
        #expect(resumed[0].key == open.key)
        #expect(resumed[0].peak == open.peak)
        #expect(resumed[0].finding.message == open.finding.message)
        #expect(resumed[0].finding.evidence == open.finding.evidence)
        #expect(resumed[0].finding.culprits == open.finding.culprits)
        #expect(resumed[0].finding.victims == open.finding.victims)
        #expect(resumed[1].state == .unknown)
        #expect(resumed[1].key.entity.id == "8:0")
        second.close()
    }

    @Test func `what has no room is dropped by kind and counted, the latest of an episode is kept`() throws {
        var configuration = WriterConfiguration()
        configuration.flushInterval = .seconds(3600)
        configuration.batchRows = 1000
        configuration.pendingRows = 5
        configuration.pendingTicks = 2
        let writer = try Writer(path: scratch.database, configuration: configuration)
        for second in 0..<4 {
            var changed = episode(1, state: .open)
            changed.occurrences = second + 1
            writer.submit(
                TickRecord(
                    time: start.advanced(bySeconds: Double(second)), samples: [MetricSample("cpu.busy", 1)],
                    episodes: [changed], events: .init(scheduler: [wait(5), wait(6)])))
        }
        writer.close()
        let status = writer.status
        #expect(status.stored.episodes == 1)
        #expect(status.stored.events == [.scheduler: 4])
        #expect(status.stored.ticks == 2)
        #expect(status.dropped.events == [.scheduler: 4])
        #expect(status.dropped.ticks == 2)
        #expect(try Reader(path: scratch.database).signal(id: 1)?.signal.occurrences == 4)
    }

    @Test func `after closing nothing is taken and nothing hangs`() async throws {
        let writer = try Writer(path: scratch.database)
        writer.close()
        writer.close()
        writer.submit(TickRecord(time: start, episodes: [episode(1)]))
        #expect(writer.status.dropped.episodes == 1)
        #expect(writer.status.state == .closed)
        await #expect(throws: StoreError.closed) { try await writer.prune(olderThan: start) }
        #expect(throws: Never.self) { try writer.flush() }
    }

    @Test func `closing lets go of every file before it returns`() throws {
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: [episode(1)], events: .init(scheduler: [wait(1)])))
        writer.close()
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let open = descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        #expect(!open.contains { $0.hasPrefix(scratch.path) })
    }

    @Test func `components and processes are the latest ones`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        for second in 0..<3 {
            let time = start.advanced(bySeconds: Double(second))
            writer.submit(
                TickRecord(
                    time: time,
                    processes: [
                        ProcessActivity(identity: ProcessIdentity(pid: 9, startTicks: 1), comm: "a\"\(second)")
                    ],
                    components: [ComponentState(component: "readers", status: .ok, message: "tick \(second)")]
                        + (second == 0 ? [ComponentState(component: "old", status: .ok, message: "tick 0")] : [])))
            try writer.flush()
        }
        let reader = Reader(path: scratch.database)
        let snapshot = try #require(try reader.processes().snapshot)
        #expect(snapshot.time == start.advanced(bySeconds: 2))
        let list = try JSONSerialization.jsonObject(with: Data(snapshot.json.utf8)) as? [[String: Any]]
        #expect(list?.first?["comm"] as? String == "a\"2")
        let health = try reader.health()
        #expect(health.components.map(\.state.message) == ["tick 2"], "the part that only spoke in tick 0 is gone")
        #expect(health.lastTick == start.advanced(bySeconds: 2))
        #expect(abs(health.state.lastCommit.seconds(since: .now)) < 60)
        writer.close()
    }

    @Test func `a commit that is late has the processes of each second, up to ten`() throws {
        let writer = try Writer(path: scratch.database)
        let process = ProcessActivity(identity: ProcessIdentity(pid: 9, startTicks: 1), comm: "a")
        for second in 0..<12 {
            writer.submit(TickRecord(time: start.advanced(bySeconds: Double(second)), processes: [process]))
        }
        try writer.flush()
        let reader = Reader(path: scratch.database)
        let seconds = try reader.snapshots(
            from: start.advanced(bySeconds: -1), to: start.advanced(bySeconds: 60)
        ).map { $0.time.seconds(since: start) }
        #expect(seconds.suffix(10) == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
        writer.close()
    }
}
