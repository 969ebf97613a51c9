import Model
import Testing

@testable import Detection

/// memory_pressure, swap_thrashing and page_fault.
@Suite struct MemoryRulesTests {
    private let hog = Made.process(4243, "stress-ng-vm", group: 4242).holding(11 << 30)
        .faulting(minor: 200_000)
    private let victim = Made.process(812, "postgres").holding(1 << 30)
        .faulting(major: 90, majorMilliseconds: 340)

    private func squeezed(stall: Double = 0.3, available: UInt64 = 200 << 20) -> Tick {
        Made.idle().with {
            $0.host.pressure?.memory.some = stall
            $0.host.memory?.available = available
            $0.host.vm?.directScanPerSecond = 20_000
            $0.host.vm?.allocationStallsPerSecond = 300
            $0.host.vm?.refaultsPerSecond = 5000
        }
    }

    @Test func `stalls with a victim are above low and name who takes the memory`() throws {
        let found = try #require(squeezed().adding(hog, victim).observed(MemoryPressure()).first)
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(found.finding.victims.first?.comm == "postgres")
        #expect(
            found.finding.message.summary
                == "Tasks stall on memory 30 % of the time with 210 MB available; stress-ng-vm (pid 4243) holds 12 GB and "
                + "demands 819 MB more a second; postgres (pid 812) waits 340 ms of each second for pages")
    }

    @Test func `the sentence shows what the process that holds most has, whoever it names`() throws {
        let parent = Made.process(4000, "python3", group: 4000).holding(8 << 30)
        let worker = Made.process(4001, "python3", group: 4000).holding(9 << 30).faulting(minor: 2500)
        let found = try #require(squeezed().adding(parent, worker, victim).observed(MemoryPressure()).first)
        #expect(found.finding.culprits.map(\.process.pid) == [4000])
        let summary = found.finding.message.summary
        #expect(summary.contains("python3 (pid 4000 and 1 more) holds 9.7 GB and demands 10 MB more"), "\(summary)")
    }

    @Test func `95 percent in use without stalls is silence`() {
        let full = Made.idle().with { $0.host.memory?.available = 100 << 20 }
        #expect(full.adding(hog).observed(MemoryPressure()).isEmpty)
    }

    @Test func `stalls inside a cgroup count while the host has memory to spare, if somebody suffers`() {
        let roomy = squeezed(available: 12 << 30)
        #expect(roomy.adding(hog, victim).observed(MemoryPressure()).first?.grade.severity == .high)
        #expect(roomy.adding(hog).observed(MemoryPressure()).first?.grade.severity == .low)
    }

    /// A cgroup at its limit on a slow disk: the victim stands still, and for the kernel it waits for I/O.
    private func slowly(_ change: (inout VMReading) -> Void = { _ in }) -> Tick {
        let keeper = Made.process(4243, "stress-ng-vm", group: 4242).holding(400 << 20).faulting(minor: 10_000)
        let victim = victim.holding(60 << 20).moving(read: 5e7).blocked(950)
            .faulting(major: 90, majorMilliseconds: 950)
        // A limit on bytes has a kernel thread submit what the victim reads.
        let worker = Made.process(77, "kworker", kernel: true).moving(read: 7e7)
        return Made.idle().congested().adding(keeper, victim, worker).with {
            $0.host.pressure?.memory.some = 0.01
            $0.host.vm?.refaultsPerSecond = 12_000
            $0.host.vm?.limitStealPerSecond = 12_500
            if $0.host.vm != nil { change(&$0.host.vm!) }
        }
    }

    @Test func `pages that come back are a want of memory, though the kernel counts no stall`() throws {
        let tick = slowly()
        let found = try #require(tick.observed(MemoryPressure()).first)
        #expect(found.grade.severity == .critical)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(
            found.finding.message.summary.hasPrefix(
                "A process waits 93 % of the time for pages that had been in memory, with 13 GB available; stress-ng-vm"
            ))
        let fault = try #require(tick.observed(PageFaultRule()).first)
        #expect(fault.grade.severity == .critical)
        #expect(fault.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(tick.observed(BlockDeviceSaturation()).first?.finding.culprits.map(\.comm) == [])
    }

    @Test func `while faults are not timed, whether pages that come back are waited for is unknown`() {
        var detector = Detector(nextID: 1)
        var second = 0
        func state(_ change: (inout Tick) -> Void = { _ in }) -> Episode.State? {
            for _ in 0..<12 {
                second += 1
                var tick = slowly().with(change)
                tick.time = Made.idle(second: second).time
                for episode in detector.step(tick) where episode.key.type == .memoryPressure { last = episode.state }
            }
            return last
        }
        var last: Episode.State?
        #expect(state() == .open)
        #expect(state { $0.pageFaults = nil } == .unknown)
        #expect(state() == .open)
        #expect(state { $0.host.vm = nil } == .unknown)
        func untimed(_ tick: inout Tick, majorFaults: Double) {
            tick.pageFaults = nil
            for index in tick.processes.indices {
                tick.processes[index].faults = nil
                tick.processes[index].proc?.majorFaultsPerSecond = majorFaults
            }
        }
        #expect(state { untimed(&$0, majorFaults: 15) } == .unknown)
        #expect(state { untimed(&$0, majorFaults: 0) } == .closed, "nobody can be waiting")
    }

    @Test func `without PSI pages that come back are the reason only where they are enough for one`() {
        func summary(_ change: (inout Tick) -> Void) -> String? {
            slowly().with {
                $0.host.pressure = nil
                change(&$0)
            }.observed(MemoryPressure()).first?.finding.message.summary
        }
        #expect(summary { _ in }?.hasPrefix("A process waits 93 % of the time for pages") == true)
        let full = summary {
            $0.host.memory?.available = 400 << 20
            $0.host.vm?.directScanPerSecond = 20_000
            for index in $0.processes.indices { $0.processes[index].faults?.majorLatencyNanoseconds /= 200 }
        }
        #expect(
            full?.hasPrefix("Tasks wait for reclaim (no PSI on this kernel) with 419 MB available") == true,
            "\(full ?? "-")")
    }

    @Test
    func `what comes back to a backup that its cgroup's limit presses is not what a program that starts waits for`() {
        let backup = Made.process(700, "tar").holding(4 << 20).moving(read: 2e8).blocked(300).with {
            $0.proc?.cgroup = "/backup"
        }
        let start = Made.process(812, "java").holding(60 << 20).moving(read: 2e7).faulting(
            major: 90, majorMilliseconds: 600
        )
        .with { $0.proc?.cgroup = "/app" }
        let neighbour = Made.process(813, "sidecar").holding(400 << 20).with { $0.proc?.cgroup = "/app" }
        let tick = Made.idle().adding(backup, start, neighbour).with {
            $0.host.pressure?.memory.some = 0.003
            $0.host.vm?.refaultsPerSecond = 45_000
            $0.host.vm?.limitStealPerSecond = 46_000
        }
        #expect(tick.observed(MemoryPressure()).isEmpty)
        #expect(tick.observed(PageFaultRule()).first?.finding.culprits.map(\.comm) == ["tar"], "who has the disk busy")
    }

    @Test func `who is outside the cgroup whose limit presses does not suffer from it`() throws {
        let outside = Made.process(900, "copy").blocked(3000).with {
            $0.proc = ProcessReading(identity: $0.identity, comm: "copy")
            $0.proc?.cgroup = "/other"
        }
        func inside(_ process: ProcessActivity) -> ProcessActivity { process.with { $0.proc?.cgroup = "/app" } }
        let keeper = Made.process(4243, "stress-ng-vm", group: 4242).holding(400 << 20).faulting(minor: 10_000)
        let waiting = victim.holding(60 << 20).faulting(major: 90, majorMilliseconds: 950)
        let found = try #require(
            squeezed(available: 12 << 30).adding(inside(keeper), inside(waiting), outside).observed(MemoryPressure())
                .first)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(found.finding.victims.map(\.comm) == ["postgres"])
        // The limit may be one above both.
        let stalled = outside.with { $0.scheduling?.memoryStallNanoseconds = 200_000_000 }
        let both = squeezed(available: 12 << 30).adding(inside(keeper), inside(waiting), stalled)
        #expect(both.observed(MemoryPressure()).first?.finding.victims.map(\.comm) == ["postgres", "copy"])
    }

    @Test func `eight backends that read the same pages once more are one reader`() {
        let backends = (600..<608).map {
            Made.process($0, "postgres", group: 600).holding(8 << 20).moving(read: 12e6).faulting(
                major: 12, majorMilliseconds: 950
            )
            .with { $0.proc?.cgroup = "/" }
        }
        let tick = slowly { $0.refaultsPerSecond = 21_000 }.with { tick in
            tick.host.vm?.limitStealPerSecond = 22_500
            tick.processes.removeAll { $0.comm == "postgres" }
            tick.processes += backends
        }
        #expect(tick.observed(MemoryPressure()).first?.grade.severity == .critical)
    }

    @Test func `pages that come back from a slow swap are thrashing, though the kernel counts no stall`() {
        func severity(_ steal: Double) -> Severity? {
            slowly {
                ($0.swapInPerSecond, $0.swapOutPerSecond, $0.majorFaultsPerSecond) = (8000, 8000, 1500)
                ($0.refaultsPerSecond, $0.limitStealPerSecond) = (4000, steal)
            }.observed(SwapThrashing()).first?.grade.severity
        }
        let blind = slowly { ($0.swapInPerSecond, $0.majorFaultsPerSecond) = (8000, 1500) }.with { $0.pageFaults = nil }
            .verdict(SwapThrashing())
        #expect(blind.blindness != nil)
        #expect(severity(0) == .low)
        #expect((severity(12_000) ?? .low) > .low)
    }

    @Test func `pages that come back while tasks reclaim nothing for themselves were evicted long ago`() throws {
        let start = slowly { $0.limitStealPerSecond = 5000 }
        #expect(start.observed(MemoryPressure()).isEmpty)
        #expect(start.observed(PageFaultRule()).first?.grade.severity == .low)
        let cold = slowly { $0.refaultsPerSecond = 0 }
        #expect(cold.observed(MemoryPressure()).isEmpty)
        let kswapd = slowly { $0.kswapdStealPerSecond = 100_000 }
        #expect(kswapd.observed(MemoryPressure()).isEmpty)
        #expect(
            slowly { ($0.directStealPerSecond, $0.limitStealPerSecond) = (12_500, nil) }.observed(MemoryPressure())
                .count
                == 1)
    }

    @Test func `a large program outside the cgroup whose limit presses is not blamed`() throws {
        func inside(_ process: ProcessActivity) -> ProcessActivity { process.with { $0.proc?.cgroup = "/app" } }
        let keeper = Made.process(4243, "stress-ng-vm", group: 4242).holding(400 << 20)
        let java = Made.process(300, "java").holding(8 << 30).faulting(minor: 500)
        let tick = squeezed(available: 12 << 30)
        let found = try #require(
            tick.adding(inside(keeper), inside(victim.holding(60 << 20)), java).observed(MemoryPressure()).first)
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
    }

    @Test func `a host that runs out is above low even before a victim is seen`() {
        #expect(squeezed().adding(hog).observed(MemoryPressure()).first?.grade.severity == .high)
    }

    @Test func `a large old database is not blamed for a hog that grows`() {
        let database = Made.process(600, "mysqld").holding(9 << 30).faulting(minor: 500)
        let growing = Made.process(4243, "stress-ng-vm", group: 4242).holding(5 << 30).faulting(minor: 200_000)
        for available: UInt64 in [200 << 20, 12 << 30] {
            let found = squeezed(available: available).adding(database, growing, victim).observed(MemoryPressure())
            #expect(found.first?.finding.culprits.first?.comm == "stress-ng-vm")
        }
    }

    @Test func `twenty backends that share their buffers do not hold them twenty times`() throws {
        let backends = (600..<620).map {
            Made.process($0, "postgres", group: 600).holding(2 << 30).with { $0.proc?.sharedBytes = 2 << 30 }
        }
        let hog = Made.process(4243, "stress-ng-vm", group: 4242).holding(10 << 30).faulting(minor: 500)
        let tick = squeezed().adding(hog, Made.process(900, "nginx").faulting(major: 90, majorMilliseconds: 340)).with {
            $0.processes += backends
        }
        let found = try #require(tick.observed(MemoryPressure()).first)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
    }

    @Test func `who holds shared memory alone holds all of it, whatever its siblings map`() throws {
        let siblings = (600..<610).map { pid in
            Made.process(pid, "cache", group: 600).holding(pid == 600 ? 10 << 30 : 20 << 20).with {
                $0.proc?.sharedBytes = pid == 600 ? 10 << 30 : 8 << 20
            }
        }
        let other = Made.process(700, "java").holding(4 << 30)
        let tick = squeezed().adding(other, Made.process(900, "nginx").faulting(major: 90, majorMilliseconds: 340)).with
        {
            $0.processes += siblings
        }
        let found = try #require(tick.observed(MemoryPressure()).first)
        #expect(found.finding.culprits.first?.comm == "cache")
    }

    @Test func `a hog that holds what it took is blamed when the host is full`() {
        let holding = Made.process(4243, "stress-ng-vm", group: 4242).holding(13 << 30)
        let found = squeezed().adding(holding, victim).observed(MemoryPressure())
        #expect(found.first?.finding.culprits.first?.comm == "stress-ng-vm")
    }

    @Test func `without PSI, reclaim with little left stands in; without both nobody can tell`() {
        let tick = squeezed().adding(hog, victim).with { $0.host.pressure = nil }
        #expect((tick.observed(MemoryPressure()).first?.grade.severity ?? .low) > .low)
        let calm = Made.idle().with {
            $0.host.pressure = nil
            $0.host.memory?.available = 100 << 20
        }
        #expect(calm.observed(MemoryPressure()).isEmpty)
        #expect(calm.with { $0.host.vm = nil }.verdict(MemoryPressure()).blindness != nil)
    }

    @Test func `an OOM kill opens at once`() throws {
        let tick = squeezed().adding(hog).with { $0.host.vm?.oomKills = 1 }
        var detector = Detector(nextID: 1)
        let opened = detector.step(tick)
        let kill = try #require(opened.first { $0.key.label == "oom_kill" })
        #expect(kill.peak.severity == .critical)
        #expect(kill.finding.message.summary.contains("killed 1 process"))
    }

    @Test func `who was ended by SIGKILL around an OOM kill was killed, whichever is seen first`() throws {
        let grow = Made.process(400, "grow").faulting(minor: 60_000).with { ($0.exited, $0.killed) = (true, true) }
        let other = Made.process(401, "timeout").faulting(minor: 50).with { ($0.exited, $0.killed) = (true, true) }
        let keeper = Made.process(812, "postgres").holding(1 << 30)
        func culprits(_ ticks: [Tick]) -> [[String]] {
            var rule = MemoryPressure()
            return ticks.map { tick in
                rule.evaluate(Situation(tick, thresholds: Thresholds(), own: nil)).observations
                    .filter { $0.key.label == "oom_kill" }.flatMap(\.finding.culprits).map(\.comm)
            }
        }
        let calm = Made.idle().adding(keeper)
        let kill = calm.with { $0.host.vm?.oomKills = 1 }
        #expect(culprits([calm, kill.adding(grow, other), calm]) == [[], ["grow"], []])
        #expect(culprits([calm.adding(other, grow), kill, calm]) == [[], ["grow"], []])
        #expect(culprits([kill, calm.adding(grow), calm]) == [[], ["grow"], []])
        #expect(culprits([kill, calm, calm.adding(grow)]) == [[], [], []], "too late to have to do with it")
        #expect(culprits([calm.adding(grow)]) == [[]], "a kill of somebody else's")
        let blind = kill.with { ($0.syscalls, $0.scheduler, $0.pageFaults, $0.blockIO) = (nil, nil, nil, nil) }
        #expect(culprits([blind]) == [["postgres"]], "without tracers no exits are seen")
        var rule = MemoryPressure()
        let found = rule.evaluate(Situation(kill.adding(grow), thresholds: Thresholds(), own: nil)).observations.first
        #expect(
            found?.finding.message.summary.hasPrefix(
                "The kernel killed grow (pid 400) at a cgroup's memory limit, with")
                == true)
    }

    @Test func `when the host is full, who takes most of the memory is named beside who was killed`() throws {
        let grow = Made.process(400, "grow").faulting(minor: 50).with { ($0.exited, $0.killed) = (true, true) }
        var rule = MemoryPressure()
        let tick = squeezed().adding(hog, grow).with { $0.host.vm?.oomKills = 1 }
        let found = try #require(
            rule.evaluate(Situation(tick, thresholds: Thresholds(), own: nil)).observations.first {
                $0.key.label == "oom_kill"
            })
        #expect(found.finding.culprits.map(\.comm) == ["grow", "stress-ng-vm"])
        #expect(found.finding.message.summary.hasSuffix("; stress-ng-vm (pid 4243) takes most of the memory"))
    }

    @Test func `swapping back in with stalls is thrashing, swapping out once is not`() {
        func swapping(in back: Double, out: Double) -> Tick {
            squeezed().adding(hog, victim).with {
                $0.host.vm?.swapInPerSecond = back
                $0.host.vm?.swapOutPerSecond = out
                $0.host.vm?.majorFaultsPerSecond = back
                $0.host.memory?.swapTotal = 8 << 30
                $0.host.memory?.swapFree = 2 << 30
            }
        }
        let found = swapping(in: 3000, out: 3000).observed(SwapThrashing())
        #expect(found.first?.grade.severity == .high)
        #expect(found.first?.finding.culprits.first?.comm == "stress-ng-vm")
        #expect(swapping(in: 0, out: 20_000).observed(SwapThrashing()).isEmpty)
        #expect(Made.idle().observed(SwapThrashing()).isEmpty)
        #expect(Made.idle().with { $0.host.vm = nil }.verdict(SwapThrashing()).blindness != nil)
    }

    @Test func `of two that thrash the larger is to blame, though most of it is in swap`() throws {
        let small = Made.process(812, "postgres").holding(100 << 20).hogging(0.9)
            .faulting(major: 30, majorMilliseconds: 800)
        let large = Made.process(4243, "stress-ng-vm", group: 4242).holding(120 << 20).hogging(0.9)
            .faulting(major: 30_000, majorMilliseconds: 700).with { $0.proc?.swappedBytes = 800 << 20 }
        let idle = Made.process(600, "java").holding(20 << 20).hogging(0.001).with { $0.proc?.swappedBytes = 8 << 30 }
        let tick = squeezed(available: 12 << 30).adding(small, large, idle).with {
            $0.host.vm?.swapInPerSecond = 30_000
            $0.host.vm?.majorFaultsPerSecond = 30_000
        }
        let found = try #require(tick.observed(SwapThrashing()).first)
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(found.finding.victims.map(\.comm) == ["postgres"])
    }

    @Test func `who reads through the page cache is to blame where nobody has memory of his own`() throws {
        let scan = Made.process(4243, "scan").holding(4 << 20).with { $0.proc?.readCallBytesPerSecond = 8e9 }
        let victim = Made.process(812, "postgres").holding(6 << 20).moving(read: 1e9)
            .faulting(minor: 100, major: 150, majorMilliseconds: 990)
        let tick = squeezed(available: 12 << 30).with { $0.host.vm?.refaultsPerSecond = 250_000 }
        let found = try #require(tick.adding(scan, victim).observed(PageFaultRule()).first)
        #expect(found.grade.severity == .critical)
        #expect(found.finding.culprits.map(\.comm) == ["scan"])
        #expect(found.finding.culprits.first?.measure == "bytes read through the page cache")
        #expect(
            tick.adding(scan, victim).observed(MemoryPressure()).first?.finding.message.summary.hasSuffix(
                "; scan (pid 4243) reads 8 GB a second through the page cache; "
                    + "postgres (pid 812) waits 990 ms of each second for pages") == true)
        // Alone it does that to itself.
        #expect(tick.adding(victim).observed(PageFaultRule()).first?.grade.severity == .low)
    }

    @Test func `who reads once more what he had is not blamed for the busy device`() throws {
        let victim = Made.process(812, "postgres").holding(60 << 20).moving(read: 1e9).blocked(500)
            .faulting(major: 150, majorMilliseconds: 990)
        let scan = Made.process(4243, "scan").holding(200 << 20).moving(read: 2e8).blocked(170)
        func blamed(refaults: Double, stall: Double = 0.3) -> [String]? {
            Made.idle().congested().adding(scan, victim).with {
                $0.host.pressure?.memory.some = stall
                $0.host.vm?.refaultsPerSecond = refaults
            }.observed(BlockDeviceSaturation()).first?.finding.culprits.map(\.comm)
        }
        #expect(blamed(refaults: 280_000) == [])
        #expect(blamed(refaults: 0) == ["postgres"])
        #expect(blamed(refaults: 280_000, stall: 0) == ["postgres"])
    }

    @Test func `who fills its memory again once the one who took it is gone is not blamed for the busy device`() {
        let victim = Made.process(812, "postgres").holding(200 << 20).moving(read: 1e9).blocked(500)
            .faulting(major: 150, majorMilliseconds: 990)
        let parent = Made.process(4242, "stress-ng", group: 4242).holding(8 << 20).moving(read: 4e6).blocked(200)
            .faulting(major: 5, majorMilliseconds: 200)
        func blamed(afterShortage: Bool) -> [String] {
            var detector = Detector(nextID: 1)
            var culprits: [String] = []
            for second in 0..<8 {
                let isShort = second < 4
                let hog = isShort ? [hog] : []
                let tick = Made.idle(second: second).congested().with {
                    $0.processes += [victim, parent] + hog
                    $0.host.pressure?.memory.some = isShort && afterShortage ? 0.3 : 0.005
                    $0.host.vm?.refaultsPerSecond = 245_000
                }
                for episode in detector.step(tick) where episode.key.type == .blockDeviceSaturation {
                    culprits = episode.finding.culprits.map(\.comm)
                }
            }
            return culprits
        }
        #expect(blamed(afterShortage: true) == [])
        #expect(blamed(afterShortage: false) == ["postgres"], "who starts reads for itself")
    }

    @Test func `a database that was pushed out into swap is not blamed for being large`() throws {
        let hog = Made.process(4243, "stress-ng-vm", group: 4242).holding(11 << 30)
        let database = Made.process(812, "postgres").holding(2 << 30).blocked(400)
            .faulting(major: 500, majorMilliseconds: 400).with { $0.proc?.swappedBytes = 6 << 30 }
        let tick = squeezed().adding(hog, database).with { $0.host.vm?.swapInPerSecond = 600 }
        let found = try #require(tick.observed(MemoryPressure()).first)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(found.finding.victims.map(\.comm) == ["postgres"])
    }

    @Test func `of many small parties the one that is a little larger is not blamed`() throws {
        let sessions = (600..<640).map { Made.process($0, "session").holding(12 << 20) }
        let logger = Made.process(700, "logger").holding(20 << 20)
        let tick = squeezed(available: 12 << 30).adding(logger, victim.holding(0)).with { $0.processes += sessions }
        let found = try #require(tick.observed(MemoryPressure()).first)
        #expect(found.finding.culprits.map(\.comm) != ["logger"])
    }

    @Test func `without /proc demand alone names who takes the memory`() throws {
        let hog = Made.process(4243, "stress-ng-vm", group: 4242).faulting(minor: 2500).with { $0.proc = nil }
        let reader = victim.moving(read: 3e7).with { $0.proc = nil }
        let tick = squeezed(available: 12 << 30).adding(hog, reader).with { $0.host.vm?.refaultsPerSecond = 7000 }
        #expect(tick.observed(MemoryPressure()).first?.finding.culprits.first?.comm == "stress-ng-vm")
    }

    @Test func `what comes back from swap is no demand`() throws {
        let hog = Made.process(4243, "stress-ng-vm", group: 4242).holding(200 << 20).hogging(1)
            .faulting(major: 60_000, majorMilliseconds: 900).moving(read: 250e6).with {
                $0.proc?.swappedBytes = 300 << 20
            }
        let victim = Made.process(812, "postgres").holding(60 << 20).hogging(0.5).moving(read: 170e6)
            .faulting(major: 30, majorMilliseconds: 990)
        let tick = squeezed(stall: 0.7, available: 12 << 30).with {
            $0.host.vm?.refaultsPerSecond = 42_000
            $0.host.vm?.swapInPerSecond = 61_000
            $0.host.vm?.majorFaultsPerSecond = 61_000
        }
        let found = try #require(tick.adding(hog, victim).observed(SwapThrashing()).first)
        #expect(found.grade.severity == .critical)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
    }

    @Test func `while faults are not timed, who the kernel says stalls on memory is a victim`() throws {
        let victim = Made.process(812, "postgres").holding(60 << 20).with {
            $0.faults = nil
            $0.scheduling?.memoryStallNanoseconds = 940_000_000
            $0.proc?.majorFaultsPerSecond = 21
        }
        let tick = squeezed(stall: 0.7).adding(hog.with { $0.faults = nil }, victim).with {
            $0.pageFaults = nil
            $0.host.vm?.swapInPerSecond = 40_000
            $0.host.vm?.majorFaultsPerSecond = 40_000
        }
        for found in [tick.observed(SwapThrashing()), tick.observed(MemoryPressure())].map(\.first) {
            #expect(found?.grade.severity == .critical)
            #expect(found?.finding.culprits.map(\.comm) == ["stress-ng-vm"])
            #expect(found?.finding.victims.map(\.comm) == ["postgres"])
        }
        let verdict = tick.verdict(PageFaultRule())
        let found = try #require(verdict.observations.first)
        #expect(verdict.observations.count == 1 && verdict.blindness != nil)
        #expect(found.grade.severity == .critical && found.key.label == "memory_stall")
        #expect(found.finding.victims.map(\.stall) == ["waiting for memory"])
        #expect(
            found.finding.message.summary
                == "postgres (pid 812) stalls on memory for 940 ms of each second, with 21 major faults; "
                + "stress-ng-vm (pid 4243) pushes its pages out of memory")
    }

    @Test func `what a stall on memory opened while faults are not timed closes with it, and fault latency is unknown`()
    {
        var detector = Detector(nextID: 1)
        var second = 0
        func states(_ change: (inout Tick) -> Void) -> [String: Episode.State] {
            for _ in 0..<12 {
                second += 1
                var tick = Made.idle(second: second)
                tick.host.pressure?.memory.some = 0.3
                change(&tick)
                for episode in detector.step(tick) where episode.key.type == .pageFault {
                    last[episode.key.label] = episode.state
                }
            }
            return last
        }
        var last: [String: Episode.State] = [:]
        #expect(states { $0.processes += [hog, victim] } == ["major_faults": .open])
        let stalled = states {
            $0.pageFaults = nil
            $0.processes += [hog, victim.with { $0.scheduling?.memoryStallNanoseconds = 900_000_000 }]
        }
        #expect(stalled == ["major_faults": .unknown, "memory_stall": .open])
        #expect(states { $0.pageFaults = nil } == ["major_faults": .unknown, "memory_stall": .closed])
    }

    @Test func `a process that waits for its pages is named with who pushes them out`() throws {
        let found = try #require(squeezed().adding(hog, victim).observed(PageFaultRule()).first)
        #expect(found.grade.severity == .high)
        #expect(found.key.entity.name == "postgres")
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-vm"])
        #expect(
            found.finding.message.summary
                == "postgres (pid 812) waits 340 ms of each second for its pages: 90 major faults of 3.8 ms each; "
                + "stress-ng-vm (pid 4243) pushes them out of memory")
    }

    @Test func `with memory to spare it is the one who keeps the device busy`() throws {
        let writer = Made.process(4243, "stress-ng-hdd", group: 4242).dirtying(3e8)
        let reader = victim.moving(read: 4e5)
        let found = try #require(Made.idle().congested().adding(writer, reader).observed(PageFaultRule()).first)
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-hdd"])
    }

    @Test func `a process that reads its own cold pages alone is low`() throws {
        let found = try #require(Made.idle().adding(victim.moving(read: 9e6)).observed(PageFaultRule()).first)
        #expect(found.grade.severity == .low)
        #expect(found.finding.message.summary.hasSuffix("it causes that itself"))
    }

    @Test func `fresh pages are work and not a stall`() {
        #expect(Made.idle().adding(hog).observed(PageFaultRule()).isEmpty)
    }

    @Test func `minor faults that take milliseconds are a stall`() {
        let slow = Made.process(812, "postgres").faulting(minor: 100)
        let tick = squeezed().adding(hog, slow).with {
            $0.pageFaults?.events = [
                PageFaultEvent(
                    time: $0.time, task: Made.task(slow), cpu: 0, address: 4096, access: .write, userMode: true,
                    major: false, latencyNanoseconds: 150_000_000)
            ]
        }
        #expect(tick.observed(PageFaultRule()).first?.grade.severity == .medium)
    }

    @Test func `those who thrash themselves do not crowd out the one they hurt`() {
        var tick = squeezed().adding(victim)
        for pid: Int32 in 4243...4260 {
            tick.processes.append(
                Made.process(pid, "stress-ng-vm", group: 4242).holding(1 << 30)
                    .faulting(minor: 20_000, major: 100, majorMilliseconds: 900))
        }
        #expect(tick.observed(PageFaultRule()).first?.key.entity.name == "postgres")
    }

    @Test func `without the tracer a storm shows, low, and an open episode is unknown`() throws {
        var faulter = Made.process(812, "postgres").with { $0.faults = nil }
        faulter.proc = ProcessReading(identity: faulter.identity, comm: "postgres")
        faulter.proc?.majorFaultsPerSecond = 300
        let verdict = Made.idle().adding(faulter).with { $0.pageFaults = nil }.verdict(PageFaultRule())
        #expect(verdict.observations.map(\.grade.severity) == [.low])
        #expect(verdict.blindness != nil)
    }
}
