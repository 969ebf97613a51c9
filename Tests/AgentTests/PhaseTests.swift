import Model
import Testing

@testable import Agent

/// Problems, causes and parties made by hand.
enum Made {
    static let start = Timestamp(nanoseconds: 1_764_000_000_000_000_000)

    static func identity(_ pid: Int32) -> ProcessIdentity { ProcessIdentity(pid: pid, startTicks: UInt64(pid) * 100) }

    static func culprit(_ pid: Int32, _ comm: String, share: Double = 0.9, of measure: String = "CPU time") -> Culprit {
        Culprit(process: identity(pid), comm: comm, cgroup: "/", share: share, measure: measure)
    }

    static func victim(_ pid: Int32, _ comm: String, stall: String = "run-queue wait") -> Victim {
        Victim(process: identity(pid), comm: comm, cgroup: "/", stallMillisecondsPerSecond: 300, stall: stall)
    }

    static func problem(
        _ id: Int64, _ type: SignalType = .loadMismatch, severity: Severity = .high, culprits: [Culprit],
        victims: [Victim], entity: Entity = .host
    ) -> Problem {
        Problem(
            id: id, type: type, label: type.rawValue, entity: entity, severity: severity, score: 0.8, opened: start,
            lastSeen: start, summary: "", culprits: culprits, victims: victims, course: [])
    }

    static func member(
        _ pid: Int32, _ comm: String, session: Int? = 10, threads: Int32 = 1, cpu: String = "/cpu",
        io: String = "/blkio"
    ) -> Party.Member {
        Party.Member(
            process: identity(pid), comm: comm, parent: 1, group: pid, autogroup: session, isKernelThread: false,
            isStopped: false, threads: (0..<threads).map { pid + $0 }, cpuGroup: cpu, ioGroup: io)
    }

    static func target(_ members: [Party.Member], victims: [Party.Member] = []) -> Target {
        Target(party: Party(members: members), victims: Party(members: victims), disks: ["8:0"])
    }

    static let ground = Ground(
        cores: 2, hasAutogroups: true, cpu: .init(version: 1, mount: "/cpu"), io: .init(version: 1, mount: "/blkio"),
        disks: ["8:0": .init(name: "sda", scheduler: "mq-deadline")], swappiness: 60, synCookies: 1, synBacklog: 1024,
        finTimeout: 60)
}

@Suite struct ObserveTests {
    private func observe(_ problems: [Problem], _ holds: [Hold]) -> Observe.Result {
        Observe.run(
            .init(
                signals: problems.map { .init(problem: $0, isOpen: true) }, lastTick: Made.start, holds: holds))
    }

    @Test func `of a store that nobody writes any more nothing is concluded`() {
        let problem = Made.problem(1, culprits: [Made.culprit(40, "durable", of: "disk I/O")], victims: [])
        var input = Observe.Input(
            signals: [.init(problem: problem, isOpen: true)], lastTick: Made.start, age: 10, oldest: 15)
        #expect(Observe.run(input).problems.map(\.id) == [1])
        input.age = 20
        #expect(Observe.run(input).problems.isEmpty)
        #expect(Observe.run(input).message.hasPrefix("the newest measurement is 20 s old"))
    }

    @Test func `who is held back is no victim, and nobody is blamed for that`() {
        let hold = Hold(action: "throttle_io on 30", processes: [Made.identity(30), Made.identity(31)])
        let durable = Made.culprit(40, "durable", of: "disk I/O")
        let mended = Made.problem(1, culprits: [durable], victims: [Made.victim(30, "dd"), Made.victim(31, "dd")])
        let other = Made.problem(2, culprits: [durable], victims: [Made.victim(31, "dd"), Made.victim(50, "app")])
        let unknown = Made.problem(3, culprits: [durable], victims: [])
        let found = observe([mended, other, unknown], [hold])
        #expect(found.problems.map(\.id) == [2, 3])
        #expect(found.problems.first?.victims.map(\.comm) == ["app"])
        #expect(observe([mended], []).problems.count == 1)
    }

    @Test func `what is over, low or without data is no problem, and the worst comes first`() {
        var late = Made.problem(1, culprits: [], victims: [])
        late.lastSeen = Made.start.advanced(bySeconds: -6)
        let low = Made.problem(2, severity: .low, culprits: [], victims: [])
        let medium = Made.problem(3, severity: .medium, culprits: [], victims: [])
        let high = Made.problem(4, culprits: [], victims: [])
        #expect(observe([late, low, medium, high], []).problems.map(\.id) == [4, 3])
        let away = Observe.Input.Signal(problem: high, isOpen: false)
        #expect(Observe.run(.init(signals: [away], lastTick: Made.start, holds: [])).problems.isEmpty)
    }
}

@Suite struct ExplainTests {
    @Test func `who has most of a cause and hurts somebody is the surest`() {
        let found = Explain.run(
            .init(problems: [
                Made.problem(
                    1, culprits: [Made.culprit(30, "stress", share: 0.9)], victims: [Made.victim(40, "nginx")]),
                Made.problem(
                    2, .scheduler, culprits: [Made.culprit(30, "stress", share: 0.9)],
                    victims: [Made.victim(40, "nginx")]),
            ]))
        #expect(found.causes.map(\.comm) == ["stress"])
        #expect(found.causes.first?.problems == [1, 2])
        #expect(found.causes.first?.victims.map(\.comm) == ["nginx"])
        #expect((found.causes.first?.confidence ?? 0) > 0.9)
        #expect(found.chain == ["stress (pid 30) → nginx (pid 40): run-queue wait"])
    }

    @Test func `one that suffers itself is not sure enough, and its problem comes of who makes it suffer`() {
        let database = Entity.process(Made.identity(40), name: "postgres")
        let found = Explain.run(
            .init(problems: [
                Made.problem(
                    1, .blockDeviceSaturation, culprits: [Made.culprit(30, "dd", of: "disk I/O")],
                    victims: [Made.victim(40, "postgres", stall: "blocked on I/O")]),
                Made.problem(
                    2, .syscall, severity: .medium, culprits: [Made.culprit(40, "postgres", of: "file lock held")],
                    victims: [Made.victim(50, "app")], entity: database),
            ]))
        #expect(found.causes.map(\.comm) == ["dd", "postgres"])
        #expect((found.causes.last?.confidence ?? 1) < 0.6)
        #expect(found.causes.last?.against.count == 1)
        #expect(found.chain == ["dd (pid 30) → postgres (pid 40): blocked on I/O → syscall"])
    }

    @Test func `one that is held back already is left alone once nobody suffers from it`() {
        func confidence(_ victims: [Victim], _ holds: [Hold]) -> Double {
            let problem = Made.problem(1, culprits: [Made.culprit(30, "stress")], victims: victims)
            return Explain.run(.init(problems: [problem], holds: holds)).causes[0].confidence
        }
        let hold = Hold(action: "throttle_cpu on 30", processes: [Made.identity(30)])
        #expect(confidence([], [hold]) < 0.6)
        #expect(confidence([], []) > 0.6)
        #expect(confidence([Made.victim(40, "nginx")], [hold]) > 0.6)
    }

    @Test func `whoever is of one party is one cause, also when its children come and go`() {
        let problems = [
            Made.problem(
                1, culprits: [Made.culprit(30, "stress", share: 0.88)], victims: [Made.victim(40, "nginx")]),
            Made.problem(2, .scheduler, culprits: [Made.culprit(35, "stress", share: 1)], victims: []),
            Made.problem(3, .scheduler, culprits: [Made.culprit(39, "stress", share: 0.9)], victims: []),
        ]
        let party: Set = [Made.identity(30), Made.identity(35)]
        let found = Explain.run(.init(problems: problems), [party])
        #expect(found.causes.map(\.process) == [Made.identity(30)])
        #expect(found.causes.first?.problems == [1, 2, 3])
        #expect(found.causes.first?.share == 1)
        #expect(found.causes.first?.against.isEmpty == true)
        let two = Explain.run(.init(problems: problems), [[Made.identity(30)], [Made.identity(35)]])
        #expect(two.causes.count == 3, "two programs of one name: the third may be of either")
    }

    @Test func `where nobody is named nobody is made up`() {
        let found = Explain.run(.init(problems: [Made.problem(1, .tcpExhaustion, culprits: [], victims: [])]))
        #expect(found.causes.isEmpty)
        #expect(found.unexplained == ["tcp_exhaustion: cannot tell from this data who causes it"])
    }
}

@Suite struct StepsTests {
    private func steps(_ kind: ActionKind, _ target: Target, _ ground: Ground = Made.ground) throws -> [Step] {
        try Action(kind, on: Made.identity(30)).steps(for: target, on: ground)
    }

    private func steps(
        _ kind: ActionKind, _ value: String, _ target: Target, _ ground: Ground = Made.ground
    ) throws -> [Step] {
        try Action(kind, on: Made.identity(30), value: value).steps(for: target, on: ground)
    }

    @Test func `priority is the weight of a cgroup beside the victims`() throws {
        let hog = Made.member(30, "stress", session: 30, threads: 2)
        let target = Made.target([hog], victims: [Made.member(40, "nginx", session: 40)])
        var ground = Made.ground
        ground.cpu?.hasIdleGroups = true
        #expect(
            try steps(.lowerProcessPriority, target, ground) == [
                .set(.group("/cpu/kernelsight-30"), "yes"), .set(.file("/cpu/kernelsight-30/cpu.idle"), "1"),
                .set(.membership(hog.process, controller: "cpu"), "/cpu/kernelsight-30"),
            ])
        #expect(
            try steps(.lowerProcessPriority, "10", target, ground)[1]
                == .set(.file("/cpu/kernelsight-30/cpu.shares"), "109"))
        #expect(try steps(.lowerProcessPriority, target)[1] == .set(.file("/cpu/kernelsight-30/cpu.shares"), "14"))
        ground.cpu = .init(version: 2, mount: "/cg", delegated: ["cpu"])
        #expect(
            try steps(.lowerProcessPriority, Made.target([Made.member(30, "stress", cpu: "/cg")]), ground)[1]
                == .set(.file("/cg/kernelsight-30/cpu.weight"), "1"))
        func beside(_ victim: String) throws -> [Step] {
            var target = Made.target(
                [Made.member(30, "stress", cpu: "/cg/a.slice/stress")], victims: [Made.member(40, "nginx", cpu: victim)]
            )
            target.groups = ["/cg/a.slice/stress": .init(isShared: false, limits: [], controllers: ["cpu"])]
            return try steps(.lowerProcessPriority, target, ground)
        }
        #expect(try beside("/cg/a.slice/nginx") == [.set(.file("/cg/a.slice/stress/cpu.weight"), "1")])
        #expect(throws: Inapplicable.self) { try beside("/cg/b.slice/nginx") }
        let elsewhere = Made.target(
            [Made.member(30, "stress", cpu: "/cpu/jobs")], victims: [Made.member(40, "nginx", cpu: "/cpu/web")])
        #expect(throws: Inapplicable.self) { try steps(.lowerProcessPriority, elsewhere) }
        let below = Made.target([hog], victims: [Made.member(40, "nginx", cpu: "/cpu/web")])
        #expect(try steps(.lowerProcessPriority, below).count == 3)
    }

    @Test
    func
        `without the controller it is the session's weight where the victims are in other sessions, and each thread's where not`()
        throws
    {
        var ground = Made.ground
        ground.cpu = nil
        let hog = Made.member(30, "stress", session: 30, threads: 2)
        let apart = Made.target([hog], victims: [Made.member(40, "nginx", session: 40)])
        #expect(try steps(.lowerProcessPriority, apart, ground) == [.set(.autogroup(hog.process, id: 30), "19")])
        let beside = Made.target([hog], victims: [Made.member(40, "nginx", session: 30)])
        #expect(
            try steps(.lowerProcessPriority, "10", beside, ground)
                == [30, 31].map {
                    .set(.nice(ThreadIdentity(process: hog.process, tid: $0)), "10")
                })
        let both = Made.target(
            [hog], victims: [Made.member(40, "nginx", session: 40), Made.member(41, "app", session: 30)])
        #expect(throws: Inapplicable.self) { try steps(.lowerProcessPriority, both, ground) }
    }

    @Test func `whoever is in no session is weighed thread by thread, also against sessions`() throws {
        var ground = Made.ground
        ground.cpu = nil
        let shell = Made.member(30, "stress", session: 30)
        let daemon = Made.member(31, "stress", session: nil)
        let victims = [Made.member(40, "nginx", session: 40), Made.member(41, "init", session: nil)]
        #expect(
            try steps(.lowerProcessPriority, Made.target([shell, daemon], victims: victims), ground) == [
                .set(.autogroup(shell.process, id: 30), "19"),
                .set(.nice(ThreadIdentity(process: daemon.process, tid: 31)), "19"),
            ])
        // Within the session nice values count, and against the one outside of it they do not.
        let mixed = Made.target([shell], victims: [Made.member(40, "nginx", session: 30), victims[1]])
        #expect(throws: Inapplicable.self) { try steps(.lowerProcessPriority, mixed, ground) }
    }

    @Test func `a quota is a cgroup below the one that each is in, and who is there already stays`() throws {
        let hog = Made.member(30, "stress", cpu: "/cpu/user")
        let child = Made.member(31, "stress", cpu: "/cpu/user/kernelsight-30")
        #expect(
            try steps(.throttleCPU, "25", Made.target([hog, child])) == [
                .set(.group("/cpu/user/kernelsight-30"), "yes"),
                .set(.file("/cpu/user/kernelsight-30/cpu.cfs_quota_us"), "25000"),
                .set(.membership(hog.process, controller: "cpu"), "/cpu/user/kernelsight-30"),
            ])
        var ground = Made.ground
        ground.cpu = .init(version: 2, mount: "/cg", delegated: ["cpu"])
        let rootHog = Made.member(30, "stress", cpu: "/cg")
        #expect(
            try steps(.throttleCPU, "25", Made.target([rootHog]), ground).prefix(2) == [
                .set(.group("/cg/kernelsight-30"), "yes"), .set(.file("/cg/kernelsight-30/cpu.max"), "25000 100000"),
            ])
        let service = Made.member(30, "stress", cpu: "/cg/system.slice/stress.service")
        var target = Made.target([service])
        func group(isShared: Bool, _ limits: Set<String>) -> Target.Group {
            .init(isShared: isShared, limits: limits, controllers: ["cpu"])
        }
        target.groups = ["/cg/system.slice/stress.service": group(isShared: false, ["memory.max"])]
        #expect(
            try steps(.throttleCPU, "25", target, ground) == [
                .set(.file("/cg/system.slice/stress.service/cpu.max"), "25000 100000")
            ], "its own group keeps its other limits")
        target.groups = ["/cg/system.slice/stress.service": group(isShared: true, [])]
        #expect(
            try steps(.throttleCPU, "25", target, ground).first
                == .set(.group("/cg/system.slice/kernelsight-30"), "yes"))
        target.groups = ["/cg/system.slice/stress.service": group(isShared: true, ["memory.max"])]
        #expect(throws: Inapplicable.self) { try steps(.throttleCPU, "25", target, ground) }
        target.groups = ["/cg/system.slice/stress.service": group(isShared: false, ["cpu.max"])]
        #expect(throws: Inapplicable.self) { try steps(.throttleCPU, "25", target, ground) }
        target.groups = [:]
        #expect(throws: Inapplicable.self) { try steps(.throttleCPU, "25", target, ground) }
        ground.cpu?.delegated = []
        #expect(throws: Inapplicable.self) { try steps(.throttleCPU, Made.target([hog]), ground) }
        ground.cpu = nil
        #expect(throws: Inapplicable.self) { try steps(.throttleCPU, Made.target([hog]), ground) }
    }

    @Test func `I/O priorities are no candidate for a deaf scheduler, nor for what the flusher writes`() throws {
        let hog = Made.member(30, "fio")
        #expect(
            try steps(.lowerIOPriority, Made.target([hog])) == [
                .set(.ioPriority(ThreadIdentity(process: hog.process, tid: 30)), "idle")
            ])
        var ground = Made.ground
        ground.disks["8:0"]?.scheduler = "none"
        #expect(throws: Inapplicable.self) { try steps(.lowerIOPriority, Made.target([hog]), ground) }
        var buffered = Made.target([hog])
        buffered.writesBuffered = true
        #expect(throws: Inapplicable.self) { try steps(.lowerIOPriority, buffered) }
        #expect(throws: Inapplicable.self) { try steps(.throttleIO, buffered) }
        #expect(try steps(.throttleIO, "1000000", Made.target([hog])).count == 4)
    }

    @Test func `what would change nothing is no candidate`() throws {
        let hog = Made.target([Made.member(30, "stress")])
        #expect(throws: Inapplicable.self) { try steps(.reduceSwappiness, "60", hog) }
        #expect(throws: Inapplicable.self) { try steps(.increaseTCPBacklog, hog) }
        #expect(throws: Inapplicable.self) { try steps(.reduceFinTimeout, "60", hog) }
        #expect(throws: Inapplicable.self) { try steps(.resumeProcess, hog) }
        #expect(throws: Inapplicable.self) { try steps(.setCPUAffinity, "0-1", hog) }
        #expect(throws: Inapplicable.self) { try steps(.setCPUAffinity, "7", hog) }
        #expect(throws: Inapplicable.self) { try steps(.pauseProcess, Made.target([])) }
    }

    @Test func `values outside their range are refused with what is allowed`() {
        for (kind, value) in [
            (ActionKind.lowerProcessPriority, "-5"), (.lowerProcessPriority, "20"), (.throttleCPU, "0"),
            (.setCPUAffinity, "x"), (.lowerIOPriority, "realtime 0"), (.clearPageCache, "4"), (.reduceFinTimeout, "5"),
        ] {
            #expect(throws: InvalidAction.self) { try Action(kind, on: Made.identity(30), value: value) }
        }
        #expect(throws: InvalidAction.self) { try Action(.pauseProcess) }
        #expect(throws: InvalidAction.self) { try Action(.pauseProcess, on: Made.identity(30), value: "1") }
    }
}

@Suite struct DecideTests {
    private func decide(
        _ problem: Problem, _ target: Target, mode: AgentMode = .auto, past: [Past] = [], ground: Ground = Made.ground,
        _ change: (inout Policy) -> Void = { _ in }
    ) -> Decision {
        let explanation = Explain.run(.init(problems: [problem]))
        let targets = Dictionary(uniqueKeysWithValues: explanation.causes.map { ($0.process, target) })
        let outlook = Simulate.run(
            .init(
                problems: [problem], causes: explanation.causes, targets: targets, ground: ground,
                thresholds: Thresholds()))
        var policy = Policy()
        policy.mode = mode
        change(&policy)
        return Decide.run(
            .init(
                candidates: outlook.candidates, dismissed: outlook.dismissed, targets: targets, policy: policy,
                past: past, now: Made.start))
    }

    private let hog = Made.target(
        [Made.member(30, "stress", session: 30)], victims: [Made.member(40, "nginx", session: 40)])
    private let problem = Made.problem(1, culprits: [Made.culprit(30, "stress")], victims: [Made.victim(40, "nginx")])

    @Test func `the mildest action that helps wins, and the others' reasons are kept`() {
        let decision = decide(problem, hog)
        #expect(decision.chosen?.action.kind == .lowerProcessPriority)
        #expect(decision.lost.count == 4)
        #expect(decision.lost.allSatisfy { !$0.reason.isEmpty })
    }

    @Test func `what did not help is not tried again soon`() throws {
        let nice = Past(
            time: Made.start.advanced(bySeconds: -100),
            action: try Action(.lowerProcessPriority, on: Made.identity(30)),
            verdict: .noEffect)
        #expect(decide(problem, hog, past: [nice]).chosen?.action.kind == .throttleCPU)
        let long = Past(time: Made.start.advanced(bySeconds: -700), action: nice.action, verdict: .noEffect)
        #expect(decide(problem, hog, past: [long]).chosen?.action.kind == .lowerProcessPriority)
    }

    @Test func `nothing is done to the protected, to victims, or by somebody unsure`() {
        for name in ["sshd", "systemd", "kernelsight-col"] {
            let target = Made.target([Made.member(30, "stress"), Made.member(31, name)])
            #expect(decide(problem, target).chosen == nil)
        }
        #expect(decide(problem, hog) { $0.protected = ["stress"] }.chosen == nil)
        let both = Made.target(
            [Made.member(30, "stress"), Made.member(40, "nginx")], victims: [Made.member(40, "nginx")])
        #expect(decide(problem, both).chosen == nil)
        #expect(decide(problem, hog) { $0.confidenceFloor = 0.99 }.chosen == nil)
        #expect(decide(problem, hog) { $0.mostPerHour = 0 }.chosen == nil)
    }

    @Test func `not even a person ends what is protected`() {
        let target = Made.target([Made.member(30, "stress"), Made.member(31, "sshd")])
        #expect(decide(problem, target, mode: .approve) { $0.enabled = [.terminateProcess] }.chosen == nil)
    }

    @Test func `kernel threads, what systemd starts and long names are protected`() {
        func refusal(_ comm: String, kernelThread: Bool = false, protected: Set<String> = []) -> Refusal? {
            var member = Made.member(30, comm)
            member.isKernelThread = kernelThread
            var policy = Policy()
            policy.mode = .auto
            policy.protected = protected
            let action = try? Action(.pauseProcess, on: member.process)
            return action.flatMap { policy.refusal($0, confidence: 1, on: Made.target([member]), [], now: Made.start) }
        }
        #expect(refusal("kworker/0:1", kernelThread: true) == .protected("kworker/0:1"))
        #expect(refusal("systemd-resolve") == .protected("systemd-resolve"))
        #expect(refusal("postgres_export", protected: ["postgres_exporter"]) == .protected("postgres_export"))
        #expect(refusal("postgres") == nil)
    }

    @Test func `a party is not tried again under another of its names, and a clock that is set lifts no limit`() throws
    {
        let other = try Action(.lowerProcessPriority, on: Made.identity(31), value: "19")
        let target = Made.target([Made.member(30, "stress"), Made.member(31, "stress")])
        let mine = try Action(.lowerProcessPriority, on: Made.identity(30), value: "19")
        var policy = Policy()
        policy.mode = .auto
        func refusal(_ past: [Past], _ target: Target) -> Refusal? {
            policy.refusal(mine, confidence: 1, on: target, past, now: Made.start)
        }
        let tried = Past(time: Made.start.advanced(bySeconds: -300), action: other, verdict: .noEffect)
        #expect(refusal([tried], target) == .coolsDown(600, .noEffect))
        #expect(refusal([tried], Made.target([Made.member(30, "stress")])) == nil)
        let future = Past(time: Made.start.advanced(bySeconds: 1800), action: other, verdict: .helped)
        policy.mostPerHour = 1
        #expect(refusal([future], target) == .tooOften(1))
    }

    @Test func `only a person ends a process`() throws {
        let decision = decide(problem, hog) { $0.enabled = [.terminateProcess] }
        #expect(decision.chosen == nil)
        #expect(decision.lost.contains { $0.reason == Refusal.needsPerson.description })
        let listed = decide(problem, hog) {
            $0.enabled = [.terminateProcess]
            $0.unattended = [.terminateProcess]
        }
        #expect(listed.chosen == nil)
    }
}

@Suite struct VerifyTests {
    private func measured(_ stall: Double?, holds: Bool = true, severity: Severity = .high, gap: String? = nil)
        -> Measurement
    {
        Measurement(
            stalls: stall.map { ["40@1": $0] } ?? [:], holds: holds, severity: severity, metric: nil, gap: gap)
    }

    @Test func `a victim says whether it helped`() {
        #expect(Verify.run(.init(before: measured(300), after: measured(20))).verdict == .helped)
        #expect(Verify.run(.init(before: measured(300), after: measured(280))).verdict == .noEffect)
        #expect(Verify.run(.init(before: measured(300), after: measured(600))).verdict == .worse)
        #expect(Verify.run(.init(before: measured(300), after: measured(300, severity: .critical))).verdict == .worse)
    }

    @Test func `only victims that live are compared`() {
        var before = measured(60)
        before.stalls["41@1"] = 900
        #expect(Verify.run(.init(before: before, after: measured(55))).verdict == .noEffect)
        #expect(Verify.run(.init(before: before, after: measured(5))).verdict == .helped)
    }

    @Test func `without measurements nothing is said`() {
        let gap = "0 of 5 seconds were measured"
        #expect(Verify.run(.init(before: measured(300), after: measured(20, gap: gap))).reason == "after it \(gap)")
        #expect(Verify.run(.init(before: measured(300, gap: gap), after: measured(20))).verdict == .unknown)
        #expect(Verify.run(.init(before: measured(300), after: measured(nil))).verdict == .unknown)
    }

    @Test func `where nobody suffers the signal says it`() {
        #expect(Verify.run(.init(before: measured(nil), after: measured(nil, holds: false))).verdict == .helped)
        #expect(Verify.run(.init(before: measured(nil), after: measured(nil))).verdict == .noEffect)
    }
}
