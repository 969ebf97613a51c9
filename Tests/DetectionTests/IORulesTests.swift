import Model
import Testing

@testable import Detection

/// io_congestion and block_device_saturation.
@Suite struct IORulesTests {
    private static let rules: [any Rule] = [IOCongestion(), BlockDeviceSaturation()]
    private let hog = Made.process(4243, "stress-ng-hdd", group: 4242).dirtying(3e8).blocked(800)
    private let victim = Made.process(812, "postgres").moving(written: 1e5, requests: 20).blocked(420)

    @Test(arguments: 0..<2) func `a slow queue that blocks somebody is above low and names who fills it`(_ rule: Int)
        throws
    {
        let found = try #require(Made.idle().congested().adding(hog, victim).observed(Self.rules[rule]).first)
        #expect(found.grade.severity > .low)
        #expect(found.key.entity.id == "8:0")
        #expect(found.key.entity.name == "sda")
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-hdd"])
        #expect(found.finding.victims.map(\.comm) == ["postgres"])
    }

    @Test(arguments: 0..<2) func `a big copy that blocks itself alone is low`(_ rule: Int) throws {
        let copy = Made.process(77, "cp").dirtying(4e8).blocked(700)
        let found = try #require(Made.idle().congested().adding(copy).observed(Self.rules[rule]).first)
        #expect(found.grade.severity == .low)
        #expect(found.finding.victims.isEmpty)
    }

    @Test(arguments: 0..<2) func `the collector's own commits are nobody's suffering`(_ rule: Int) {
        let copy = Made.process(77, "cp").dirtying(4e8)
        let collector = Made.process(66, "kernelsight-col").blocked(300)
        let found = Made.idle().congested().adding(copy, collector).observed(Self.rules[rule], own: collector.identity)
        #expect(found.map(\.grade.severity) == [.low])
    }

    @Test(arguments: 0..<2) func `a reader of little that is busy elsewhere is not blamed`(_ rule: Int) {
        let bystander = Made.process(700, "ffmpeg").hogging(1.5).moving(read: 3e6)
        let found = Made.idle().congested().adding(hog, victim, bystander).observed(Self.rules[rule])
        #expect(found.first?.finding.culprits.map(\.comm) == ["stress-ng-hdd"])
    }

    @Test(arguments: 0..<2) func `writes that kernel workers submit are blamed on who dirtied the pages`(_ rule: Int) {
        let flusher = Made.process(33, "kworker/u4:2", kernel: true).moving(written: 3e8)
        let found = Made.idle().congested().adding(flusher, hog, victim).observed(Self.rules[rule])
        #expect(found.first?.finding.culprits.map(\.comm) == ["stress-ng-hdd"])
    }

    @Test(arguments: 0..<2) func `a device-mapper volume and the disk under it both name who dirtied the pages`(
        _ rule: Int
    ) {
        let stacked = Made.idle().congested().adding(hog, victim).with {
            var volume = $0.host.disks?[0] ?? DiskReading(name: "", major: 0, minor: 0)
            (volume.name, volume.major, volume.isStacked) = ("dm-0", 253, true)
            $0.host.disks?.append(volume)
        }
        let found = stacked.observed(Self.rules[rule])
        #expect(found.map(\.key.entity.name) == ["sda", "dm-0"])
        #expect(found.allSatisfy { $0.finding.culprits.map(\.comm) == ["stress-ng-hdd"] && $0.grade.severity > .low })
    }

    @Test(arguments: 0..<2) func `an idle host is silent`(_ rule: Int) {
        #expect(Made.idle().observed(Self.rules[rule]).isEmpty)
    }

    @Test func `a device that is busy and fast is silent, and one that is slow alone is too`() {
        let fast = Made.idle().congested(latency: 3, depth: 3, busy: 0.95, pressure: 0.7).adding(hog, victim)
        #expect(fast.observed(IOCongestion()).isEmpty)
        #expect(fast.observed(BlockDeviceSaturation()).map(\.grade.severity) == [.low])
        let slow = Made.idle().congested(latency: 90, depth: 0.4, busy: 0.4, pressure: 0.3).adding(victim)
        #expect(slow.observed(IOCongestion()).isEmpty)
        #expect(slow.observed(BlockDeviceSaturation()).isEmpty)
    }

    @Test func `when nobody does much I/O the device is slow by itself: nobody is named, one class less`() throws {
        let tick = Made.idle().congested().adding(victim)
        let found = try #require(tick.observed(IOCongestion()).first)
        #expect(found.finding.culprits.isEmpty)
        #expect(found.grade.severity == .medium)
        #expect(found.finding.message.summary.contains("cannot be told"))
    }

    @Test func `the sentence has the numbers and the names`() throws {
        let found = try #require(Made.idle().congested().adding(hog, victim).observed(IOCongestion()).first)
        #expect(
            found.finding.message.summary
                == "stress-ng-hdd (pid 4243) does 100 % of the I/O and requests on sda take p95 of 88 ms with 14 requests "
                + "queued; postgres (pid 812) is blocked 420 ms of each second")
    }

    @Test func `without the tracer the means of diskstats stand in`() throws {
        let tick = Made.idle().congested().adding(hog, victim).with { $0.blockIO = nil }
        let found = try #require(tick.observed(IOCongestion()).first)
        #expect(found.grade.severity == .medium)
        #expect(found.finding.evidence.first?.metric == "disk.latency.mean:sda")
    }

    @Test func `without sched_tracer nobody can tell who is blocked, and the rules say so`() {
        let tick = Made.idle().congested().adding(hog, victim)
        for rule in Self.rules {
            #expect(tick.verdict(rule).blindToVictims == nil)
            #expect(tick.with { $0.scheduler = nil }.verdict(rule).blindToVictims != nil)
        }
    }

    @Test func `without PSI and without diskstats the tracer is enough for congestion, not for busy time`() {
        let tick = Made.idle().congested().adding(hog, victim).with {
            $0.host.pressure = nil
            $0.host.disks = nil
        }
        #expect(tick.observed(IOCongestion()).first?.grade.severity == .high)
        #expect(tick.verdict(BlockDeviceSaturation()).blindness != nil)
        #expect(tick.with { $0.blockIO = nil }.verdict(IOCongestion()).blindness != nil)
    }

    /// `sda` is slow; `nvme0n1` moves a hundred times as much, fast, for `scan`.
    private func twoDevices(_ processes: ProcessActivity...) -> Tick {
        Made.idle().congested().adding(Made.process(500, "scan").moving(read: 9e10)).with {
            $0.processes += processes
            var second = DiskReading(name: "nvme0n1", major: 259, minor: 0)
            second.readBytesPerSecond = 9e10
            $0.host.disks?.append(second)
        }
    }

    private func slow(_ process: ProcessActivity, on device: Int = 8, mebibytes: UInt64 = 1) -> BlockIOEvent {
        BlockIOEvent(
            time: Made.start, task: Made.task(process), major: device, minor: 0, device: "", operation: .write,
            sector: 0, bytes: mebibytes << 20, latencyNanoseconds: 90_000_000, queuedNanoseconds: 0, error: 0)
    }

    @Test(arguments: 0..<2) func `of two devices the events say whose requests the slow one serves`(_ rule: Int) {
        let dump = Made.process(501, "dump").moving(written: 3e7)
        let tick = twoDevices(victim, dump).with { $0.blockIO?.events = [slow(dump, mebibytes: 8), slow(victim)] }
        let found = tick.observed(Self.rules[rule])
        #expect(found.map { $0.finding.culprits.map(\.comm) } == [["dump"]])
        #expect(found.first?.finding.victims.map(\.comm) == ["postgres"])
        #expect(found.first.map { $0.grade.severity > .low } == true)
    }

    @Test func `who waits for another device is no victim of this one`() {
        let dump = Made.process(501, "dump").moving(written: 3e7)
        let tick = twoDevices(victim, dump).with {
            $0.blockIO?.events = [slow(dump, mebibytes: 8), slow(victim, on: 259)]
        }
        let found = tick.observed(IOCongestion())
        #expect(found.first?.finding.victims.isEmpty == true)
        #expect(found.first?.grade.severity == .low)
    }

    @Test func `of two busy devices a slow call is blamed on who fills the caller's`() throws {
        let dump = Made.process(501, "dump").moving(written: 3e7)
        let call = Made.event(victim, "fsync", .blockingIO, milliseconds: 400, blocked: 390)
        let tick = twoDevices(victim, dump).with {
            $0.blockIO?.events = [slow(dump, mebibytes: 8), slow(victim)]
            $0.syscalls?.events = [call]
        }
        let found = try #require(tick.observed(SyscallRule()).first)
        #expect(found.finding.culprits.map(\.comm) == ["dump"])
        let faulting = victim.faulting(major: 90, majorMilliseconds: 400)
        let paged = tick.with { $0.processes = $0.processes.map { $0.identity == victim.identity ? faulting : $0 } }
        #expect(paged.observed(PageFaultRule()).first?.finding.culprits.map(\.comm) == ["dump"])
    }

    @Test func `what kernel workers write to one of two devices is the only buffered writer's, or nobody's`() {
        let flusher = Made.process(33, "kworker/u4:2", kernel: true).moving(written: 3e7)
        let one = twoDevices(victim, flusher, hog).with {
            $0.blockIO?.events = [slow(flusher, mebibytes: 8), slow(victim)]
        }
        #expect(one.observed(IOCongestion()).first?.finding.culprits.map(\.comm) == ["stress-ng-hdd"])
        let two = one.adding(Made.process(600, "rsync").dirtying(2e7))
        #expect(two.observed(IOCongestion()).first?.finding.culprits.isEmpty == true)
    }

    @Test func `who only has fast requests waits for no slow device, unless the slow ones are too many to be recorded`()
    {
        let dump = Made.process(501, "dump").moving(written: 3e7)
        let fast = victim.moving(read: 1e7, requests: 300)
        let tick = twoDevices(fast, dump).with { $0.blockIO?.events = [slow(dump, mebibytes: 8)] }
        #expect(tick.observed(IOCongestion()).first?.finding.victims.isEmpty == true)
        let journal = twoDevices(dump, Made.process(812, "postgres").blocked(420)).with {
            $0.blockIO?.events = [slow(dump, mebibytes: 8)]
        }
        #expect(journal.observed(IOCongestion()).first?.finding.victims.map(\.comm) == ["postgres"])
        let flooded = tick.with { $0.blockIO?.events = Array(repeating: slow(dump), count: 100) }
        #expect(flooded.observed(IOCongestion()).first?.finding.victims.map(\.comm) == ["postgres"])
    }

    @Test func `a direct writer whose two rates differ a little is no buffered writer`() {
        let flusher = Made.process(33, "kworker/u4:2", kernel: true).moving(written: 3e7)
        let direct = Made.process(501, "fio").moving(written: 5e8).dirtying(5.2e8)
        let tick = twoDevices(victim, flusher, direct).with {
            $0.blockIO?.events = [slow(flusher, mebibytes: 8), slow(victim)]
        }
        #expect(tick.observed(IOCongestion()).first?.finding.culprits.isEmpty == true)
    }

    @Test func `a device that vanishes is silent`() {
        #expect(Made.idle().with { $0.host.disks = [] }.observed(IOCongestion()).isEmpty)
    }
}
