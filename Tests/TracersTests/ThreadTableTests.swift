import CLibBPF
import Model
import Testing

@testable import Tracers

/// Reports as the kernel makes them, without a kernel.
struct ThreadTableTests {
    private func report(_ id: UInt64, pid: UInt32 = 7, cpu: UInt64, ended: UInt8 = 0) -> [UInt8] {
        var record = thread_record()
        (record.header.state, record.header.task.pid, record.header.task.tid) = (id, pid, pid)
        (record.header.ended, record.counters.cpu_ns) = (ended, cpu)
        return withUnsafeBytes(of: record) { Array($0) }
    }

    /// What a tick with these reports says of each process's CPU time.
    private func tick(
        _ table: inout ThreadTable, walk: [[UInt8]], exits: [[UInt8]] = [], isComplete: Bool = false
    ) -> [Int32: UInt64] {
        table.beginWalk(at: 0, hasStretches: true)
        for records in walk + exits { records.withUnsafeBytes { table.add($0, epoch: 1) } }
        if isComplete { table.forgetUnseen() }
        let activities = table.take().map { $0.activity(measuredBy: [.scheduler], knowsStalls: true) }
        return activities.reduce(into: [:]) { $0[$1.identity.pid] = $1.scheduling?.cpuNanoseconds }
    }

    @Test func `a thread counts what it did since its last report, and all of it with its first`() {
        var table = ThreadTable(limit: 10)
        #expect(tick(&table, walk: [report(1, cpu: 100)]) == [7: 100])
        #expect(tick(&table, walk: [report(1, cpu: 130) + report(2, pid: 8, cpu: 5)]) == [7: 30, 8: 5])
        #expect(tick(&table, walk: [], exits: [report(1, cpu: 131, ended: 2)]) == [7: 1])
        #expect(tick(&table, walk: [], exits: [report(0, pid: 9, cpu: 4, ended: 2)]) == [9: 4])
        #expect(table.count == 1)
        #expect(table.unknown == 0)
    }

    @Test func `the thread that waited longest tells behind whom, and one eager thread makes its process eager`() throws
    {
        func report(_ id: UInt64, wait: UInt64, behind: Int32, cpus: UInt16, nice: Int8, epoch: UInt64 = 1) -> [UInt8] {
            var record = thread_record()
            (record.header.state, record.header.task.pid, record.header.task.tid) = (id, 7, UInt32(id))
            (record.header.longest_wait_ns, record.header.longest_wait_epoch) = (wait, epoch)
            (record.header.longest_wait_behind, record.header.allowed_cpus) = (behind, cpus)
            record.header.nice = nice
            return withUnsafeBytes(of: record) { Array($0) }
        }
        func activity(_ reports: [UInt8]) throws -> ProcessActivity {
            var table = ThreadTable(limit: 10)
            table.beginWalk(at: 0, hasStretches: true)
            reports.withUnsafeBytes { table.add($0, epoch: 1) }
            return try #require(table.take().first).activity(measuredBy: [.scheduler], knowsStalls: true)
        }
        let short = report(1, wait: 1, behind: 40, cpus: 2, nice: 19)
        let all = try activity(
            short + report(2, wait: 5, behind: 50, cpus: 1, nice: 10)
                + report(3, wait: 9, behind: 60, cpus: 4, nice: 15, epoch: 0))
        #expect(all.scheduling?.longestWaitBehind == 50)
        #expect(all.scheduling?.allowedCPUs == 1)
        #expect(all.comesLast)
        let goesOn = try activity(short + report(2, wait: 5, behind: -1, cpus: 1, nice: 9))
        #expect(goesOn.scheduling?.longestWaitBehind == nil)
        #expect(!goesOn.comesLast)
    }

    @Test
    func `where no hook sees every switch the scheduler's own clocks count, from a thread's start or its first report`()
    {
        func report(_ id: UInt64, started: UInt64, cpu: UInt64, waited: UInt64, cpus: UInt16 = 2) -> [UInt8] {
            var record = thread_record()
            (record.header.state, record.header.task.pid, record.header.task.tid) = (id, 7, UInt32(id))
            (record.header.started_ns, record.header.allowed_cpus) = (started, cpus)
            (record.clocks.cpu_ns, record.clocks.waits, record.clocks.wait_ns) = (cpu, 1, waited)
            return withUnsafeBytes(of: record) { Array($0) }
        }
        var table = ThreadTable(limit: 10)
        func tick(at time: UInt64, _ reports: [UInt8]) -> ProcessActivity.Scheduling? {
            table.beginWalk(at: time, hasStretches: false)
            reports.withUnsafeBytes { table.add($0, epoch: 1) }
            return table.take().first?.activity(measuredBy: [], knowsStalls: true).scheduling
        }
        _ = tick(at: 1000, report(1, started: 10, cpu: 500, waited: 50))
        let second = tick(
            at: 2000,
            report(1, started: 10, cpu: 503, waited: 51, cpus: 1) + report(2, started: 1500, cpu: 40, waited: 4)
                + report(3, started: 900, cpu: 10_000, waited: 10_000))
        #expect(second?.cpuNanoseconds == 43)
        #expect(second?.waitNanoseconds == 5)
        #expect(second?.mostWaitedNanoseconds == 4)
        #expect(second?.allowedCPUs == 2, "of the thread that waited most in the tick")
        #expect(second?.blockedNanoseconds == nil && second?.longestWaitNanoseconds == nil)
        // The hooks' own counts, where they are whole.
        table.beginWalk(at: 3000, hasStretches: true)
        report(1, started: 10, cpu: 900, waited: 90).withUnsafeBytes { table.add($0, epoch: 1) }
        #expect(
            table.take().first?.activity(measuredBy: [.scheduler], knowsStalls: true).scheduling?.cpuNanoseconds == 0)
    }

    @Test func `a stretch that was reported when the hooks stopped hides nothing when they are back`() {
        var table = ThreadTable(limit: 10)
        func tick(_ time: UInt64, hasStretches: Bool) -> [UInt64?] {
            var record = thread_record()
            record.header.state = 1
            (record.counters.cpu_ns, record.counters.memory_stall_ns) = (time, time)
            table.beginWalk(at: 0, hasStretches: hasStretches)
            withUnsafeBytes(of: record) { table.add($0, epoch: 1) }
            let scheduling = table.take().first?.activity(measuredBy: [.scheduler], knowsStalls: true).scheduling
            return [scheduling?.cpuNanoseconds, scheduling?.memoryStallNanoseconds]
        }
        // A second of it goes on, and is in no counter.
        #expect(tick(1_000_100, hasStretches: true) == [1_000_100, 1_000_100])
        #expect(tick(100, hasStretches: false) == [0, 0])
        #expect(tick(160, hasStretches: true) == [60, 60])
    }

    @Test func `a kernel that keeps no PSI does not say that nobody stalls on memory`() {
        var table = ThreadTable(limit: 10)
        table.beginWalk(at: 0, hasStretches: true)
        report(1, cpu: 5).withUnsafeBytes { table.add($0, epoch: 1) }
        let scheduling = table.take().first?.activity(measuredBy: [.scheduler], knowsStalls: false).scheduling
        #expect(scheduling?.cpuNanoseconds == 5 && scheduling?.memoryStallNanoseconds == nil)
    }

    @Test func `a kernel that keeps no clocks says nothing`() {
        var table = ThreadTable(limit: 10)
        table.beginWalk(at: 0, hasStretches: true)
        report(1, cpu: 5).withUnsafeBytes { table.add($0, epoch: 1) }
        #expect(table.take().first?.activity(measuredBy: [], knowsStalls: true).scheduling == nil)
    }

    @Test func `a thread that ended before a walk over everything still counts from its last report`() {
        var table = ThreadTable(limit: 10)
        _ = tick(&table, walk: [report(1, cpu: 1_000_000), report(2, pid: 8, cpu: 1)])
        let said = tick(
            &table, walk: [report(2, pid: 8, cpu: 1)], exits: [report(1, cpu: 1_000_001, ended: 2)], isComplete: true)
        #expect(said == [7: 1, 8: 0])
    }

    @Test func `a thread whose exit was lost is forgotten by a walk over everything, and by no other`() {
        var table = ThreadTable(limit: 10)
        _ = tick(&table, walk: [report(1, cpu: 50), report(2, pid: 8, cpu: 1)])
        _ = tick(&table, walk: [report(2, pid: 8, cpu: 2)])
        #expect(table.count == 2)
        _ = tick(&table, walk: [report(2, pid: 8, cpu: 3)], isComplete: true)
        #expect(table.count == 1)
    }

    @Test func `what a thread did before it was forgotten is not counted again`() {
        var table = ThreadTable(limit: 10)
        _ = tick(&table, walk: [report(1, cpu: 50), report(2, pid: 8, cpu: 1)])
        _ = tick(&table, walk: [report(2, pid: 8, cpu: 1)], isComplete: true)
        #expect(tick(&table, walk: [], exits: [report(1, cpu: 60, ended: 2)]) == [7: 0])
        #expect(table.unknown == 1)
    }

    @Test func `a report that lacks the time just ended takes nothing back, and nothing is counted twice`() {
        var table = ThreadTable(limit: 10)
        #expect(tick(&table, walk: [report(1, cpu: 100)]) == [7: 100])
        #expect(tick(&table, walk: [report(1, cpu: 20)]) == [7: 0])
        #expect(tick(&table, walk: [report(1, cpu: 150)]) == [7: 50])
    }

    @Test func `threads beyond the limit are counted as unknown, and followed when there is room`() {
        var table = ThreadTable(limit: 2)
        _ = tick(&table, walk: [report(1, cpu: 10), report(2, pid: 8, cpu: 10), report(3, pid: 9, cpu: 10)])
        #expect(table.count == 2)
        #expect(table.unknown == 0, "a first report is complete")
        #expect(tick(&table, walk: [report(3, pid: 9, cpu: 15)]) == [9: 0])
        #expect(table.unknown == 1)
        _ = tick(&table, walk: [], exits: [report(1, cpu: 10, ended: 2)])
        #expect(tick(&table, walk: [report(3, pid: 9, cpu: 20)]) == [9: 0])
        #expect(tick(&table, walk: [report(3, pid: 9, cpu: 27)]) == [9: 7])
        #expect(table.unknown == 2)
        #expect(table.count == 2)
    }
}
