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

    @Test func `95 percent in use without stalls is silence`() {
        let full = Made.idle().with { $0.host.memory?.available = 100 << 20 }
        #expect(full.adding(hog).observed(MemoryPressure()).isEmpty)
    }

    @Test func `stalls inside a cgroup count while the host has memory to spare, if somebody suffers`() {
        let roomy = squeezed(available: 12 << 30)
        #expect(roomy.adding(hog, victim).observed(MemoryPressure()).first?.grade.severity == .high)
        #expect(roomy.adding(hog).observed(MemoryPressure()).first?.grade.severity == .low)
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

    @Test func `who took the memory in the tick before and is gone was killed`() throws {
        var rule = MemoryPressure()
        let grow = Made.process(400, "grow").faulting(minor: 60_000)
        let keeper = Made.process(812, "postgres").holding(1 << 30)
        func evaluate(_ tick: Tick) -> Verdict {
            rule.evaluate(Situation(tick, thresholds: Thresholds(), own: nil))
        }
        _ = evaluate(Made.idle().adding(grow, keeper))
        let kill = Made.idle(second: 1).adding(grow.faulting(minor: 50).with { $0.exited = true }, keeper).with {
            $0.host.vm?.oomKills = 1
        }
        let found = try #require(evaluate(kill).observations.first)
        #expect(found.finding.culprits.map(\.comm) == ["grow", "postgres"])
        #expect(found.finding.message.summary.contains("grow (pid 400)"))
        // One that did not end was not killed.
        #expect(evaluate(kill).observations.first?.finding.culprits.map(\.comm) == ["postgres"])
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
