import Model
import Testing

@testable import Detection

@Suite struct SyscallRuleTests {
    private let hog = Made.process(4243, "stress-ng-hdd", group: 4242).dirtying(3e8)
    private let caller = Made.process(812, "postgres").moving(written: 1e5, requests: 20).blocked(300)

    private func tick(_ events: SyscallEvent..., processes: ProcessActivity...) -> Tick {
        Made.idle().with {
            $0.syscalls?.events = events
            $0.processes += processes
        }
    }

    @Test func `an fsync that another's writes block is above low and names the writer`() throws {
        let slow = tick(
            Made.event(caller, "fsync", .blockingIO, milliseconds: 120, blocked: 118),
            Made.event(caller, "fsync", .blockingIO, milliseconds: 60, blocked: 60), processes: caller, hog)
        let found = try #require(slow.observed(SyscallRule()).first)
        #expect(found.key.label == "blocking_io")
        #expect(found.key.entity.id == "812@81200")
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-hdd"])
        #expect(
            found.finding.message.summary
                == "postgres (pid 812) waits 120 ms in fsync; stress-ng-hdd (pid 4243) does 100 % of disk I/O")
        #expect(found.finding.message.patterns == ["2 slow calls in this tick, 178 ms of them in D state"])
    }

    @Test func `a copy that its own writes block is low`() throws {
        let event = Made.event(hog, "write", .blockingIO, milliseconds: 600, blocked: 590)
        let found = try #require(tick(event, processes: hog).observed(SyscallRule()).first)
        #expect(found.grade.severity == .low)
    }

    @Test(arguments: [(9.0, nil), (12, Severity.low), (60, .medium), (120, .high), (600, .critical)])
    func `blocked I/O follows its bands`(_ latency: Double, _ severity: Severity?) {
        let event = Made.event(caller, "read", .blockingIO, milliseconds: latency, blocked: latency)
        #expect(tick(event, processes: caller, hog).observed(SyscallRule()).first?.grade.severity == severity)
    }

    @Test func `a slow device that nobody keeps busy counts one class less and names nobody`() throws {
        let event = Made.event(caller, "fsync", .blockingIO, milliseconds: 120, blocked: 118)
        let found = try #require(tick(event, processes: caller).observed(SyscallRule()).first)
        #expect(found.grade.severity == .medium)
        #expect(found.finding.culprits.isEmpty)
    }

    @Test func `a slow disk that is always that slow is low while nobody keeps it busy`() throws {
        func slow(_ second: Int, _ milliseconds: Double) -> Tick {
            Made.idle(second: second).adding(caller).with {
                $0.syscalls?.events = [
                    Made.event(caller, "fsync", .blockingIO, milliseconds: milliseconds, blocked: milliseconds)
                ]
            }
        }
        var detector = Detector(nextID: 1)
        for second in 0..<1000 { _ = detector.step(slow(second, 30)) }
        func severity(_ milliseconds: Double) -> Severity? {
            let tick = slow(1000, milliseconds)
            let situation = Situation(tick, thresholds: Thresholds(), own: nil, usual: detector.baselines.usual)
            return SyscallRule().evaluate(situation).observations.first?.grade.severity
        }
        #expect(severity(55) == .low)
        #expect(severity(110) == .medium)
        #expect(slow(0, 110).observed(SyscallRule()).map(\.grade.severity) == [.medium])
    }

    @Test func `the removal of a large file that nobody else delays is low`() throws {
        let event = Made.event(caller, "unlink", .fileSystem, milliseconds: 935, blocked: 930)
        #expect(tick(event, processes: caller).observed(SyscallRule()).map(\.grade.severity) == [.low])
        #expect(tick(event, processes: caller, hog).observed(SyscallRule()).map(\.grade.severity) == [.high])
    }

    @Test func `a call that never returns is seen`() throws {
        let hung = Made.idle().adding(caller, hog).with {
            $0.syscalls?.running = [
                Made.event(caller, "fsync", .blockingIO, milliseconds: 9000, blocked: 9000, returned: nil)
            ]
        }
        let found = try #require(hung.observed(SyscallRule()).first)
        #expect(found.grade.severity == .critical)
        #expect(found.finding.message.summary.contains("has been in fsync for 9000 ms and is not back"))
    }

    @Test func `meant waits and work in the kernel raise nothing above low`() {
        let waiting = Made.event(caller, "epoll_wait", .intendedWait, milliseconds: 5000, blocked: 0)
        #expect(tick(waiting, processes: caller, hog).observed(SyscallRule()).isEmpty)
        let working = Made.event(caller, "munmap", .memoryManagement, milliseconds: 800, blocked: 0)
        #expect(tick(working, processes: caller, hog).observed(SyscallRule()).map(\.grade.severity) == [.low])
        let locked = Made.event(caller, "flock", .lockContention, milliseconds: 60_000, blocked: 0)
        #expect(tick(locked, processes: caller, hog).observed(SyscallRule()).map(\.grade.severity) == [.low])
    }

    @Test func `a file lock that another program holds is medium at most and names the holder, who may sleep`() throws {
        let holder = ProcessIdentity(pid: 950, startTicks: 77)
        let waiter = Made.process(907, "indexer", group: 900)
        func found(
            holderGroup: Int32, parent: Int32 = 1, comm: String = "backup", holder: ProcessIdentity = holder
        ) -> Observation? {
            Made.idle().adding(waiter).with {
                $0.syscalls?.running = [
                    Made.event(waiter, "flock", .lockContention, milliseconds: 700, blocked: 0, returned: nil)
                ]
                $0.host.fileLocks = [
                    FileLockWait(
                        waiter: 907, holder: holder, comm: comm, parent: parent, processGroup: holderGroup)
                ]
            }.observed(SyscallRule()).first
        }
        let outside = try #require(found(holderGroup: 950))
        #expect(outside.grade.severity == .medium)
        #expect(outside.finding.culprits.map(\.process) == [holder])
        #expect(outside.finding.message.summary.hasSuffix("and is not back for a file lock; backup (pid 950) holds it"))
        let late = ProcessIdentity(pid: 950, startTicks: UInt64(Made.idle().uptime * 100) - 10)
        for own in [
            found(holderGroup: 900), found(holderGroup: 950, parent: 907), found(holderGroup: 950, comm: "indexer"),
            found(holderGroup: 950, holder: late),
        ] {
            #expect(own?.grade.severity == .low)
            #expect(own?.finding.culprits.isEmpty == true)
        }
    }

    @Test func `a peer that takes its time is low`() throws {
        let send = Made.event(caller, "sendto", .network, milliseconds: 1500, blocked: 0)
        let found = try #require(tick(send, processes: caller, hog).observed(SyscallRule()).first)
        #expect(found.key.label == "network")
        #expect(found.grade.severity == .low)
    }

    @Test func `a call that waited for a CPU is low and names who holds the CPUs`() throws {
        let starved = Made.process(900, "sshd").starving(400)
        let slow = Made.idle().stressed(cores: 1.9).adding(starved).with {
            $0.syscalls?.events = [Made.event(starved, "openat", .fileSystem, milliseconds: 350, blocked: 0)]
        }
        let found = try #require(slow.observed(SyscallRule()).first)
        #expect(found.key.label == "file_system")
        #expect(found.grade.severity == .low)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-cpu"])
    }

    @Test func `a write whose caller waited for a CPU is not taken to be blocked where nobody knows D state`() throws {
        let starved = Made.process(900, "sshd").starving(400).with { $0.scheduling?.blockedNanoseconds = nil }
        let slow = Made.idle().stressed(cores: 1.9).adding(starved).with {
            $0.scheduler = nil
            $0.syscalls?.events = [Made.event(starved, "fsync", .blockingIO, milliseconds: 350, blocked: nil)]
        }
        let found = try #require(slow.observed(SyscallRule()).first)
        #expect(found.grade.severity == .low)
        #expect(found.finding.culprits.map(\.comm) == ["stress-ng-cpu"])
    }

    @Test func `callers that block themselves do not crowd out the one they block`() {
        var slow = tick(Made.event(caller, "fsync", .blockingIO, milliseconds: 60, blocked: 60), processes: caller)
        for pid: Int32 in 4243...4270 {
            let worker = Made.process(pid, "stress-ng-hdd", group: 4242).dirtying(1e7)
            slow.processes.append(worker)
            slow.syscalls?.events.append(
                Made.event(worker, "write", .blockingIO, milliseconds: 900, blocked: 900))
        }
        let found = slow.observed(SyscallRule())
        #expect(found.count == SyscallRule.most)
        #expect(found.first?.key.entity.name == "postgres")
    }

    @Test func `without sched_tracer file I/O is taken to be blocked, and without syscall_tracer nobody can tell`() {
        let event = Made.event(caller, "fsync", .blockingIO, milliseconds: 120, blocked: nil)
        #expect(tick(event, processes: caller, hog).observed(SyscallRule()).first?.grade.severity == .high)
        #expect(Made.idle().with { $0.syscalls = nil }.verdict(SyscallRule()).blindness != nil)
    }

    @Test func `the collector's own slow commits are low`() {
        let event = Made.event(caller, "fsync", .blockingIO, milliseconds: 400, blocked: 400)
        let found = tick(event, processes: caller, hog).observed(SyscallRule(), own: caller.identity)
        #expect(found.map(\.grade.severity) == [.low])
    }

    @Test func `a hostile process name cannot pass for a placeholder`() throws {
        let named = Made.process(812, "{2}\"\n{9}").moving(written: 1e5)
        let event = Made.event(named, "fsync", .blockingIO, milliseconds: 120, blocked: 118)
        let found = try #require(tick(event, processes: named, hog).observed(SyscallRule()).first)
        #expect(found.finding.message.summary.hasPrefix("❴2❵\"\n❴9❵ (pid 812) waits 120 ms in fsync"))
    }
}
