import Model
import Testing

@testable import Detection

/// load_mismatch and scheduler.
@Suite struct CPURulesTests {
    private let victim = Made.process(812, "nginx").starving(160)

    @Test func `CPU hogs beside a starving task are a load mismatch above low that names them`() throws {
        let found = try #require(Made.idle().stressed(cores: 1.9).adding(victim).observed(LoadMismatch()).first)
        #expect(found.grade.severity == .medium)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-cpu"])
        #expect(found.finding.victims.first?.comm == "nginx")
        #expect(
            found.finding.message.summary
                == "stress-ng-cpu (pid 4243 and 3 more) takes 100 % of the CPU time used on 2 cores; "
                + "nginx (pid 812) waits 160 ms of each second for a CPU")
    }

    @Test func `the worse the victim fares, the worse it is`() {
        for (wait, severity) in [(60.0, Severity.low), (100, .medium), (300, .high), (700, .critical)] {
            let tick = Made.idle().stressed(cores: 1.9).adding(Made.process(812, "nginx").starving(wait))
            #expect(tick.observed(LoadMismatch()).first?.grade.severity == severity)
            #expect(
                tick.observed(SchedulerRule()).map(\.grade.severity) == [severity])
        }
    }

    @Test func `full CPUs that keep nobody waiting are low at most`() throws {
        let found = try #require(Made.idle().stressed(cores: 2).observed(LoadMismatch()).first)
        #expect(found.grade.severity == .low)
        #expect(found.finding.victims.isEmpty)
        #expect(Made.idle().stressed(cores: 2).observed(SchedulerRule()).isEmpty)
    }

    @Test func `a busy bystander is not blamed`() throws {
        let bystander = Made.process(700, "ffmpeg").hogging(0.35, waiting: 100)
        for rule: any Rule in [LoadMismatch(), SchedulerRule()] {
            let found = Made.idle().stressed(cores: 1.6).adding(victim, bystander).observed(rule)
            #expect(found.allSatisfy { $0.finding.culprits.map(\.comm) == ["stress-ng-cpu"] })
            #expect(!found.isEmpty)
        }
    }

    @Test func `many short processes beside a hog do not make a victim greedy`() {
        var tick = Made.idle().stressed(cores: 1.4).adding(Made.process(812, "nginx").starving(300, cpu: 0.2))
        for pid: Int32 in 900..<911 {
            tick.processes.append(Made.process(pid, "sh").hogging(0.03, waiting: 60))
        }
        #expect(tick.observed(SchedulerRule()).map(\.key.entity.name) == ["nginx"])
        #expect(tick.observed(LoadMismatch()).first?.grade.severity == .high)
    }

    @Test func `a batch job that stays within its fair share is not blamed`() {
        let batch = Made.process(700, "xz").hogging(0.6, waiting: 300)
        let found = Made.idle().stressed(cores: 1.2).adding(victim, batch).observed(SchedulerRule())
        #expect(found.map { $0.finding.culprits.map(\.comm) } == [["stress-ng-cpu"]])
    }

    @Test func `hogs that a script started in sessions of their own are named together`() throws {
        let hogs = (900..<908).map {
            Made.process($0, "yes", parent: 890).hogging(0.24, waiting: 750).with { $0.cgroup = 1 }
        }
        let tick = Made.idle().stressed(cores: 0).adding(Made.process(890, "python3"), victim).with {
            $0.processes += hogs
        }
        for rule: any Rule in [LoadMismatch(), SchedulerRule()] {
            let found = try #require(tick.observed(rule).first)
            #expect(found.grade.severity == .medium)
            #expect(found.finding.culprits.map(\.comm) == ["yes"])
            #expect(found.finding.victims.map(\.comm).contains("nginx"))
        }
    }

    @Test func `a build of many process groups does not suffer from itself`() {
        var tick = Made.idle().with {
            $0.host.cpu?.running = 9
            $0.host.pressure?.cpu.some = 0.95
        }
        tick.processes.append(Made.process(20, "ninja", session: 10).starving(300))
        for pid: Int32 in 21...28 {
            tick.processes.append(
                Made.process(pid, "clang", parent: 20, session: 10).hogging(0.24, waiting: 750).with { $0.cgroup = 1 })
        }
        #expect(tick.observed(LoadMismatch()).map(\.grade.severity) == [.low])
        #expect(tick.observed(SchedulerRule()).isEmpty)
        // Somebody else who waits for the build does suffer, and its jobs cause it together.
        let other = tick.adding(victim).observed(LoadMismatch())
        #expect(other.map(\.grade.severity) == [.medium])
        #expect(other.first?.finding.culprits.map(\.comm) == ["clang"])
        #expect(other.first?.finding.victims.map(\.comm) == ["nginx"])
    }

    @Test func `a compiler's driver does not suffer from the other drivers' compilers`() {
        var tick = Made.idle().with {
            $0.host.cpu?.running = 6
            $0.host.pressure?.cpu.some = 0.9
        }
        for driver: Int32 in [30, 40] {
            tick.processes.append(Made.process(driver, "swiftc", parent: 20, session: 10).starving(110, cpu: 0.03))
            tick.processes.append(
                Made.process(driver + 1, "swift-frontend", parent: driver, session: 10).hogging(0.9, waiting: 500))
        }
        tick.processes.append(Made.process(20, "swift-build", session: 10))
        #expect(tick.observed(SchedulerRule()).isEmpty)
        #expect(tick.observed(LoadMismatch()).map(\.grade.severity) == [.low])
    }

    @Test func `a compiler that was just started does not suffer from the other jobs of a build that sleeps`() {
        let build = Made.process(20, "swift-build", group: 19, parent: 19, session: 10)
        var tick = Made.idle(second: 2).with {
            $0.host.cpu?.running = 6
            $0.host.pressure?.cpu.some = 0.9
        }
        for driver: Int32 in [30, 40, 50] {
            let compiler = Made.process(driver + 1, "swift-frontend", parent: driver, session: 10)
                .with { $0.identity.startTicks = 100_000_000 }
            tick.processes.append(driver == 50 ? compiler.starving(219, cpu: 0.1) : compiler.hogging(0.9, waiting: 500))
        }
        let drivers = [30, 40, 50].map { Made.process($0, "swiftc", parent: 20, session: 10) }
        func severities(_ remembered: [ProcessActivity]) -> Set<Severity> {
            var detector = Detector(nextID: 1)
            _ = detector.step(Made.idle().with { $0.processes += remembered })
            return Set(
                (1..<6).flatMap { second in
                    detector.step(tick.with { $0.time = Made.start.advanced(bySeconds: Double(second)) })
                        .map(\.current.severity)
                })
        }
        #expect(severities([build] + drivers) == [.low])
        // Nor when a script started the build: its shell is in the same group.
        let shell = Made.process(19, "sh", group: 19, parent: 10, session: 10)
        #expect(severities([shell, build] + drivers) == [.low])
        #expect(severities([]).contains(.medium), "as they would be, were they not of one build")
    }

    @Test func `behind the many jobs of a build that wait for each other, who else waits is seen`() {
        let build = Made.process(20, "ninja", group: 19, session: 10)
        var tick = Made.idle(cores: 4, second: 2).with {
            $0.host.cpu?.running = 20
            $0.host.pressure?.cpu.some = 0.9
        }
        tick.processes += [build, Made.process(30, "ld", parent: 20, session: 10).hogging(3.5)]
        for pid: Int32 in 40..<52 {
            tick.processes.append(
                Made.process(pid, "clang", parent: 20, session: 10).starving(300)
                    .with { $0.identity.startTicks = 100_000_000 })
        }
        #expect(tick.observed(SchedulerRule()).isEmpty)
        let other = tick.adding(victim.starving(200)).observed(LoadMismatch())
        #expect(other.first?.finding.victims.map(\.comm) == ["nginx"])
    }

    @Test func `a job of a build that waits behind somebody else's program suffers`() {
        var tick = Made.idle(cores: 8, second: 2).with {
            $0.host.cpu?.running = 12
            $0.host.pressure?.cpu.some = 0.9
        }
        tick.processes += [
            Made.process(20, "ninja", group: 19, session: 10), Made.process(90, "encoder").hogging(3.5),
            Made.process(40, "clang", parent: 20, session: 10).starving(300)
                .with { $0.identity.startTicks = 100_000_000 },
        ]
        for pid: Int32 in 30..<34 {
            tick.processes.append(Made.process(pid, "clang", parent: 20, session: 10).hogging(1))
        }
        let found = tick.observed(LoadMismatch())
        #expect(found.first?.finding.culprits.map(\.comm) == ["encoder"])
        #expect(found.first?.finding.victims.map(\.process.pid) == [40])
    }

    /// Two programs that one parent started, each in a group of its own, pinned to one of four cores.
    private func pinned(age: Double) -> Tick {
        let hog = Made.process(30, "stress-ng", parent: 20, session: 10).hogging(0.84, waiting: 3000)
        let pinned = Made.process(40, "poller", parent: 20, session: 10).starving(300).with {
            $0.identity.startTicks = UInt64((1e6 - age) * 100)
        }
        return Made.idle(cores: 4).with {
            $0.host.cpu?.running = 6
            $0.host.pressure?.cpu.some = 0.9
            $0.processes += [Made.process(20, "supervisor", session: 10), hog, pinned]
            $0.scheduler?.events = (0..<10).map { _ in
                SchedulerEvent(
                    time: Made.start, task: Made.task(pinned), cpu: 0, waitNanoseconds: 12_000_000, preempted: false,
                    previous: hog.identity, previousComm: hog.comm)
            }
        }
    }

    @Test func `who takes the one core that a task is pinned to is to blame, however idle the others are`() throws {
        let starved = try #require(pinned(age: 60).observed(SchedulerRule()).first)
        #expect(starved.grade.severity == .high)
        #expect(starved.finding.culprits.map(\.comm) == ["stress-ng"])
        #expect(pinned(age: 60).observed(LoadMismatch()).first?.finding.culprits.map(\.comm) == ["stress-ng"])
    }

    /// A victim on a core with a hog that takes no more than its fair share, while a larger program takes the other one; all waits
    /// are too short for an event.
    private func sharingOneCore(behind pid: Int32? = 500, allowed: Int = 1, hog cores: Double = 0.7) -> Tick {
        let pinned = Made.process(812, "poller").starving(400).with {
            $0.scheduling?.longestWaitNanoseconds = 8_000_000
            $0.scheduling?.longestWaitBehind = pid
            $0.scheduling?.allowedCPUs = allowed
        }
        return Made.idle().with {
            $0.host.cpu?.running = 4
            $0.host.pressure?.cpu.some = 0.5
            $0.processes += [
                pinned, Made.process(500, "spinner").hogging(cores), Made.process(600, "encoder").hogging(1),
            ]
        }
    }

    private func blamed(_ tick: Tick, _ rule: some Rule) -> [[String]] {
        tick.observed(rule).map { $0.finding.culprits.map(\.comm) }
    }

    @Test func `of waits too short for an event the longest one tells who has the pinned core`() throws {
        #expect(blamed(sharingOneCore(), SchedulerRule()) == [["spinner"]])
        let host = try #require(sharingOneCore().observed(LoadMismatch()).first)
        #expect(host.finding.culprits.map(\.comm) == ["spinner"])
        #expect(host.finding.culprits.first.map { $0.share < 0.5 } == true, "of the CPU time, not of the waits")
    }

    @Test func `where nobody stands out one sample of who may run everywhere names nobody`() {
        let tick = sharingOneCore(allowed: 8).with { $0.cores = 8 }.with { tick in
            for pid: Int32 in 700..<708 { tick.processes.append(Made.process(pid, "worker\(pid)").hogging(0.7)) }
        }
        #expect(blamed(tick, SchedulerRule()) == [[]])
    }

    @Test func `one sample does not tell on whom a process waits that may run everywhere`() {
        #expect(blamed(sharingOneCore(allowed: 2), SchedulerRule()) == [["encoder"]])
    }

    @Test func `who happened to run before and did not hold a core is not named, nor who holds another`() {
        #expect(blamed(sharingOneCore(hog: 0.3), SchedulerRule()) == [[]])
        #expect(blamed(sharingOneCore(behind: nil), SchedulerRule()) == [[]])
        #expect(blamed(sharingOneCore(behind: 4711), SchedulerRule()) == [[]])
    }

    @Test func `a relative that has the pinned core is not named`() {
        let tick = sharingOneCore().with {
            for index in $0.processes.indices where $0.processes[index].identity.pid == 812 {
                $0.processes[index].parent = 500
            }
        }
        #expect(blamed(tick, SchedulerRule()) == [[]])
    }

    @Test func `waits behind a thread of one's own or another victim do not tell who holds the CPUs`() throws {
        let collector = Made.process(950, "collector").starving(109)
        func event(behind process: ProcessActivity, milliseconds: UInt64) -> SchedulerEvent {
            SchedulerEvent(
                time: Made.start, task: Made.task(collector), cpu: 0, waitNanoseconds: milliseconds * 1_000_000,
                preempted: false, previous: process.identity, previousComm: process.comm)
        }
        let tick = Made.idle().stressed(cores: 1.8).adding(victim.starving(160, cpu: 0.18), collector).with {
            $0.scheduler?.events = [
                event(behind: collector, milliseconds: 40), event(behind: victim, milliseconds: 30),
            ]
        }
        let found = try #require(tick.observed(SchedulerRule()).first { $0.key.entity.name == "collector" })
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-cpu"])
    }

    @Test func `a pinned process that waits beside an idle CPU is held back by nobody`() {
        #expect(blamed(sharingOneCore(behind: 0), SchedulerRule()) == [[]])
    }

    @Test func `who asked to come last is no victim of CPU contention, and its waits are not learned`() {
        let polite = victim.with { $0.comesLast = true }
        let tick = Made.idle().stressed(cores: 1.9).adding(polite)
        #expect(tick.observed(SchedulerRule()).isEmpty)
        #expect(tick.observed(LoadMismatch()).map(\.grade.severity) == [.low])
        #expect(tick.observed(LoadMismatch()).first?.finding.victims.isEmpty == true)
        let stalls = Situation(tick, thresholds: Thresholds(), own: nil).stalls.map(\.metric)
        #expect(!stalls.contains("process.runq_wait:nginx"))
    }

    @Test func `who asked to come last for a CPU still suffers from a disk`() {
        let polite = Made.process(812, "backup").blocked(400).with { $0.comesLast = true }
        let tick = Made.idle().congested().adding(polite, Made.process(500, "dd").moving(written: 4e8))
        let io = Situation(tick, thresholds: Thresholds(), own: nil).io
        #expect(io.host.sufferers.map(\.process.comm) == ["backup"])
    }

    @Test func `a quota that holds a service back while CPUs are idle is blamed on nobody`() throws {
        let tick = pinned(age: 60).with {
            for index in $0.scheduler?.events.indices ?? 0..<0 {
                $0.scheduler?.events[index].previous = ProcessIdentity(pid: 0, startTicks: 0)
            }
        }
        #expect(tick.observed(SchedulerRule()).first?.finding.culprits.isEmpty == true)
    }

    @Test func `a service that gets too little to ever sleep again is known by having slept before`() {
        var detector = Detector(nextID: 1)
        func saturated(_ second: Int) -> Tick {
            Made.idle(second: second).stressed(cores: 1.9).adding(
                Made.process(812, "nginx").hogging(0.12, waiting: 850))
        }
        for second in 0..<5 {
            _ = detector.step(Made.idle(second: second).adding(Made.process(812, "nginx").starving(1, cpu: 0.2)))
        }
        for second in 5..<8 { _ = detector.step(saturated(second)) }
        #expect(detector.open.contains { $0.key.type == .scheduler && $0.key.entity.name == "nginx" })
        // Batch work that never slept is put off as it expects.
        var other = Detector(nextID: 1)
        for second in 5..<8 { _ = other.step(saturated(second)) }
        #expect(!other.open.contains { $0.key.type == .scheduler })
    }

    @Test func `a job that has just begun does not suffer from its siblings`() {
        #expect(pinned(age: 2).observed(SchedulerRule()).isEmpty)
    }

    @Test func `batch work that waits its turn is not starving`() {
        let batch = Made.process(900, "xz").hogging(0.2, waiting: 800)
        #expect(Made.idle().stressed(cores: 1.8).adding(batch).observed(SchedulerRule()).isEmpty)
    }

    @Test func `many waits that are too short to notice are not starvation`() {
        let server = Made.process(812, "nginx").starving(160).with {
            $0.scheduling?.waits = 5000
            $0.scheduling?.voluntarySwitches = 1500
            $0.scheduling?.longestWaitNanoseconds = 400_000
        }
        #expect(Made.idle().stressed(cores: 1.9).adding(server).observed(SchedulerRule()).isEmpty)
    }

    @Test func `threads that are woken or ended at once do not wait for longer than each of them does`() {
        func found(mostWaited: UInt64?) -> [Severity] {
            let pool = Made.process(812, "java").starving(900, cpu: 0.001).with {
                $0.scheduling?.waits = 200
                $0.scheduling?.longestWaitNanoseconds = 9_000_000
                $0.scheduling?.mostWaitedNanoseconds = mostWaited
            }
            return Made.idle(cores: 2).stressed(cores: 1.9).adding(pool).observed(SchedulerRule()).map(\.grade.severity)
        }
        #expect(found(mostWaited: 9_000_000) == [])
        #expect(found(mostWaited: 450_000_000) == [.critical])
        #expect(found(mostWaited: nil) == [.critical], "a kernel without clocks")
    }

    @Test func `a wait that lasts the whole tick has not ended and counts`() {
        let stuck = Made.process(812, "nginx").with {
            $0.scheduling?.waitNanoseconds = 1_000_000_000
            $0.scheduling?.longestWaitNanoseconds = 1_000_000_000
        }
        let found = Made.idle().stressed(cores: 1.9).adding(stuck).observed(SchedulerRule())
        #expect(found.map(\.grade.severity) == [.critical])
    }

    @Test func `a starving process is named with who holds the CPUs`() throws {
        let found = try #require(Made.idle().stressed(cores: 1.9).adding(victim).observed(SchedulerRule()).first)
        #expect(found.key.label == "cpu_starvation")
        #expect(found.key.entity.id == "812@81200")
        #expect(
            found.finding.message.summary
                == "nginx (pid 812) waits 160 ms of each second for a CPU and runs 4 ms; "
                + "stress-ng-cpu (pid 4243 and 3 more) holds the CPUs")
    }

    @Test func `on 64 cores the one who ran on the victim's CPU is named, not the biggest user elsewhere`() throws {
        let hog = Made.process(500, "spinner").hogging(1)
        var tick = Made.idle(cores: 64).adding(victim, hog, Made.process(600, "simulation").hogging(40))
        tick.scheduler?.events = (0..<10).map { _ in
            SchedulerEvent(
                time: tick.time, task: Made.task(victim), cpu: 3, waitNanoseconds: 12_000_000, preempted: false,
                previous: hog.identity, previousComm: "spinner")
        }
        let found = try #require(tick.observed(SchedulerRule()).first)
        #expect(found.finding.culprits.map(\.comm) == ["spinner"])
        // The host as a whole has cores to spare.
        let host = tick.with {
            $0.host.cpu?.running = 42
            $0.host.pressure?.cpu.some = 0.2
        }
        #expect(host.observed(LoadMismatch()).isEmpty)
    }

    @Test func `one core with one hog and one victim is enough`() {
        let tick = Made.idle(cores: 1).stressed(cores: 0.97).adding(victim)
        #expect(tick.observed(LoadMismatch()).first?.grade.severity == .medium)
    }

    @Test func `a switch storm is low while it hurts nobody, and is blamed only if it holds the CPUs`() throws {
        let storm = Made.process(300, "stress-ng-switch", group: 299).hogging(1.5).with {
            $0.scheduling?.voluntarySwitches = 60_000
            $0.scheduling?.involuntarySwitches = 1000
        }
        let alone = try #require(Made.idle().adding(storm).observed(SchedulerRule()).first)
        #expect(alone.key.label == "thrashing")
        #expect(alone.grade.severity == .low)
        let hurting = Made.idle().adding(storm, victim).observed(SchedulerRule()).first { $0.key.label == "thrashing" }
        #expect(hurting?.grade.severity == .medium)
        let busy = Made.process(301, "redis").hogging(0.1).with { $0.scheduling?.voluntarySwitches = 30_000 }
        let innocent = Made.idle().stressed(cores: 1.8).adding(busy, victim).observed(SchedulerRule())
            .first { $0.key.label == "thrashing" }
        #expect(innocent?.grade.severity == .low)
    }

    @Test func `short lock waits in storms are lock contention, long ones are not`() {
        func locking(_ nanoseconds: UInt64) -> ProcessActivity {
            Made.process(300, "java").hogging(0.5).with {
                $0.scheduling?.voluntarySwitches = 20_000
                $0.calls = [.lockContention: .init(count: 18_000, latencyNanoseconds: 18_000 * nanoseconds)]
            }
        }
        #expect(
            Made.idle().adding(locking(40_000)).observed(SchedulerRule()).map(\.key.label) == [
                "lock_contention_induced"
            ])
        #expect(Made.idle().adding(locking(50_000_000)).observed(SchedulerRule()).map(\.key.label) == ["thrashing"])
    }

    @Test func `an idle host is silent, also with one core and with 64`() {
        for cores in [1, 2, 64] {
            #expect(Made.idle(cores: cores).observed(LoadMismatch()).isEmpty)
            #expect(Made.idle(cores: cores).observed(SchedulerRule()).isEmpty)
        }
    }

    @Test func `without PSI the waits that the tracer counted stand in`() {
        let tick = Made.idle().stressed(cores: 1.9).adding(victim).with { $0.host.pressure = nil }
        let found = tick.observed(LoadMismatch()).first
        #expect(found?.grade.severity == .medium)
        #expect(found?.finding.evidence.first?.metric == "runq.wait")
    }

    @Test func `without the tracer the load still shows, low, with the top user of /proc`() throws {
        var hog = Made.process(500, "spinner").with { $0.scheduling = nil }
        hog.proc = ProcessReading(identity: hog.identity, comm: "spinner")
        hog.proc?.cpuShare = 1.8
        let tick = Made.idle().adding(hog).with {
            $0.scheduler = nil
            $0.host.cpu?.running = 9
            $0.host.pressure?.cpu.some = 0.95
        }
        let found = try #require(tick.observed(LoadMismatch()).first)
        #expect(found.grade.severity == .low)
        #expect(found.finding.culprits.map(\.comm) == ["spinner"])
        #expect(tick.withoutScheduling.verdict(SchedulerRule()).blindness != nil)
    }

    @Test func `by the scheduler's own clocks a starving process and its culprit are found as well`() throws {
        let tick = Made.idle().adding(
            Made.process(500, "spinner").hogging(1.9, waiting: 40), Made.process(812, "nginx").starving(400)
        ).with {
            $0.scheduler = nil
            for index in $0.processes.indices {
                $0.processes[index].scheduling?.longestWaitNanoseconds = nil
                $0.processes[index].scheduling?.blockedNanoseconds = nil
            }
        }
        let found = try #require(tick.observed(SchedulerRule()).first)
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.map(\.comm) == ["spinner"])
        #expect(!found.finding.message.patterns.contains { $0.contains("longest") })
        #expect(tick.verdict(SchedulerRule()).blindness == nil)
    }

    @Test func `without system calls nobody can tell whether threads fight over a lock`() {
        let verdict = Made.idle().with { $0.syscalls = nil }.verdict(SchedulerRule())
        #expect(verdict.isBlind(to: "lock_contention_induced"))
        #expect(!verdict.isBlind(to: "thrashing") && !verdict.isBlind(to: "cpu_starvation"))
        #expect(Made.idle().verdict(SchedulerRule()).blindness == nil)
    }

    @Test func `without PSI and tracer nobody can tell`() {
        let tick = Made.idle().withoutScheduling.with { $0.host.pressure = nil }
        #expect(tick.verdict(LoadMismatch()).blindness != nil)
    }
}
