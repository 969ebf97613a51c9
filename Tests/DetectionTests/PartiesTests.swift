import Model
import Testing

@testable import Detection

@Suite struct PartiesTests {
    @Test func `a process group is one party, whoever its leader`() {
        let parties = Parties([
            Made.process(10, "stress-ng-cpu", group: 9, parent: 9).hogging(1),
            Made.process(11, "stress-ng-cpu", group: 9, parent: 9).hogging(0.5),
            Made.process(12, "nginx").hogging(0.1),
        ])
        #expect(parties.party == [0, 0, 1])
        let suspects = parties.suspects { $0.coresUsed(over: 1) }
        #expect(suspects.count == 1)
        #expect(suspects.first?.process.identity.pid == 10)
        #expect(suspects.first?.processes == 2)
        #expect(suspects.first?.name == "stress-ng-cpu (pid 10 and 1 more)")
        #expect(abs((suspects.first?.share ?? 0) - 1.5 / 1.6) < 0.001)
    }

    @Test func `the jobs of a build tool are kin, those of a shell are not`() {
        let parties = Parties([
            Made.process(10, "bash", session: 10),
            Made.process(20, "ninja", parent: 10, session: 10),
            Made.process(21, "clang", parent: 20, session: 10),
            Made.process(22, "ld", parent: 21, session: 10),
            Made.process(30, "stress-ng", parent: 10, session: 10),
            Made.process(40, "nginx", parent: 10),
        ])
        #expect(parties.party == [0, 1, 2, 3, 4, 5])
        #expect(parties.kinship(of: 1, siblings: true)(2))
        #expect(parties.kinship(of: 2, siblings: true)(3))
        #expect(!parties.kinship(of: 2, siblings: true)(4))
        #expect(!parties.kinship(of: 1, siblings: true)(5))
    }

    /// What is remembered of processes that did something in an earlier tick.
    private func remembered(_ processes: ProcessActivity...) -> Lineage {
        var lineage = Lineage()
        lineage.learn(Made.idle().with { $0.processes = processes })
        return lineage
    }

    @Test func `descent goes through those that sleep`() {
        let awake = [
            Made.process(22, "swift-frontend", parent: 21, session: 10),
            Made.process(32, "ld", parent: 31, session: 10),
            Made.process(50, "nginx", session: 10),
        ]
        #expect(!Parties(awake).kinship(of: 0, siblings: true)(1))
        let parties = Parties(
            awake,
            remembered(
                Made.process(20, "swift-build", group: 19, parent: 10, session: 10),
                Made.process(21, "swiftc", parent: 20, session: 10), Made.process(31, "clang", parent: 20, session: 10))
        )
        #expect(parties.processes.count == 3 && parties.members.count == 3)
        #expect(parties.kinship(of: 0, siblings: true)(1))
        #expect(!parties.kinship(of: 0, siblings: true)(2))
        #expect(parties.position(of: ProcessIdentity(pid: 20, startTicks: 2000)) == nil)
        #expect(parties.process(20) == nil)
    }

    @Test func `the commands of a session's leader that sleeps are no kin`() {
        let shell = Made.process(10, "crond", session: 10)
        let parties = Parties(
            [
                Made.process(20, "ninja", parent: 10, session: 10),
                Made.process(30, "stress-ng", parent: 10, session: 10),
            ], remembered(shell))
        #expect(!parties.kinship(of: 0, siblings: true)(1))
    }

    @Test func `nor are those of a shell inside another's session`() {
        let parties = Parties([
            Made.process(11, "bash", parent: 10, session: 10), Made.process(20, "ninja", parent: 11, session: 10),
            Made.process(30, "stress-ng", parent: 11, session: 10),
        ])
        #expect(!parties.kinship(of: 1, siblings: true)(2))
    }

    @Test func `who sleeps connects, and makes its group no kin of what it started`() {
        let script = Made.process(100, "run.sh", group: 100, session: 10)
        let encoder = Made.process(101, "encoder", group: 100, parent: 100, session: 10)
        let server = Made.process(200, "nginx", group: 200, parent: 100, session: 200)
        #expect(!Parties([encoder, server], remembered(script)).isRelated(1, to: 0))
        #expect(Parties([encoder, server, script]).isRelated(1, to: 0))
    }

    @Test func `whoever has got a parent's pid is no parent`() {
        let hog = Made.process(20, "stress-ng", session: 20).with { $0.identity.startTicks = 9000 }
        let daemon = Made.process(50, "daemon", parent: 20, session: 50)
        #expect(!Parties([hog, daemon]).isRelated(1, to: 0))
        #expect(!Parties([hog, daemon]).isRelated(0, to: 1))
        #expect(Parties([hog.with { $0.identity.startTicks = 2000 }, daemon]).isRelated(1, to: 0))
    }

    @Test func `what ended is no longer descended from`() {
        let driver = Made.process(20, "swift-build", group: 19, parent: 10, session: 10)
        var lineage = remembered(driver)
        #expect(lineage[20]?.group == 19)
        lineage.learn(Made.idle().with { $0.processes = [driver.with { $0.exited = true }] })
        #expect(lineage[20] == nil)
    }

    @Test func `as many processes as a host may have are remembered, and no more`() {
        var lineage = Lineage()
        let services = (1...100).map { Made.process($0, "service") }
        for round: Int32 in 0..<100 {
            let passing = (0..<1000).map { Made.process(1000 + round * 1000 + $0, "sh") }
            lineage.learn(Made.idle(second: Int(round)).with { $0.processes = services + passing })
            #expect((1...100).allSatisfy { lineage[$0] != nil }, "who is still at work")
        }
        #expect((1...102_000).count { lineage[$0] != nil } <= 8192)
    }

    @Test func `workers that lead sessions of their own belong to the program that started them`() {
        let parties = Parties([
            Made.process(10, "bash", session: 10),
            Made.process(20, "fio", parent: 10, session: 10),
            Made.process(21, "fio", parent: 20).with { $0.workerOf = 20 }.moving(written: 2e7),
            Made.process(22, "fio", parent: 20).with { $0.workerOf = 20 }.moving(written: 1e7),
            Made.process(30, "postgres", parent: 1).moving(written: 1e7),
        ])
        #expect(parties.party == [0, 1, 1, 1, 2])
        let suspects = parties.suspects { $0.ioCost(over: 1) }
        #expect(suspects.map(\.name) == ["fio (pid 21 and 1 more)"])
    }

    @Test func `a command that one program starts many times in groups of their own causes it together`() {
        let hogs = (20..<28).map { Made.process($0, "stress", parent: 10).hogging(0.25).with { $0.cgroup = 1 } }
        let parties = Parties([Made.process(10, "python3"), Made.process(50, "nginx").hogging(0.1)] + hogs)
        let suspects = parties.suspects { $0.coresUsed(over: 1) }
        #expect(suspects.map(\.name) == ["stress (pid 20 and 7 more)"])
        #expect(suspects.first.map { abs($0.share - 2 / 2.1) < 0.001 } == true)
        #expect(suspects.first.map { parties.isRelated(9, to: $0) && !parties.isRelated(1, to: $0) } == true)
    }

    @Test(arguments: [20, 23, 27] as [Int32])
    func `the oldest of equals that lives stands for all, whoever has most in this tick`(busiest: Int32) {
        func hogs(group: (Int32) -> Int32) -> [ProcessActivity] {
            (20..<28).map { pid in
                Made.process(pid, "stress", group: group(pid), parent: 10).hogging(pid == busiest ? 0.3 : 0.2)
                    .with { $0.cgroup = 1 }
            }
        }
        let idler = Made.process(18, "stress", group: 20, parent: 10).hogging(0.01)
        let ended = Made.process(19, "stress", group: 20, parent: 10).hogging(0.2).with {
            $0.cgroup = 1
            $0.exited = true
        }
        for processes in [hogs { $0 } + [ended], hogs { _ in 20 } + [idler, ended]] {
            #expect(Parties(processes).suspects { $0.coresUsed(over: 1) }.first?.process.identity.pid == 20)
        }
    }

    @Test func `wrapped in shells, commands are told by who started the shells`() {
        let shells = (20..<28).map { Made.process($0, "sh", parent: 10).with { $0.cgroup = 1 } }
        let hogs = (20..<28).map {
            Made.process($0 + 20, "yes", group: $0, parent: $0).hogging(0.25).with { $0.cgroup = 1 }
        }
        #expect(Parties(shells + hogs).suspects { $0.coresUsed(over: 1) }.map(\.name) == ["yes (pid 40 and 7 more)"])
        var lineage = Lineage()
        lineage.learn(Made.idle().with { $0.processes = shells })
        #expect(Parties(hogs, lineage).suspects { $0.coresUsed(over: 1) }.map(\.name) == ["yes (pid 40 and 7 more)"])
    }

    @Test func `one of the same name that takes little is no part of it, nor is anybody in another cgroup`() {
        let hogs = (20..<28).map { Made.process($0, "worker", parent: 10).hogging(0.24).with { $0.cgroup = 1 } }
        let starved = Made.process(30, "worker", parent: 10).hogging(0.01).with { $0.cgroup = 1 }
        let parties = Parties(hogs + [starved])
        #expect(parties.suspects { $0.coresUsed(over: 1) }.first.map { parties.isRelated(8, to: $0) } == false)
        let services = (20..<28).map { pid in
            Made.process(pid, "python3", parent: 10).hogging(0.25).with { $0.cgroup = UInt64(pid) }
        }
        #expect(Parties(services).suspects { $0.coresUsed(over: 1) }.isEmpty)
    }

    @Test func `daemons of one name, and commands of several, do not cause anything together`() {
        let daemons = (20..<28).map { Made.process($0, "python3", parent: 1).hogging(0.25) }
        #expect(Parties(daemons).suspects { $0.coresUsed(over: 1) }.isEmpty)
        let commands = (20..<28).map { Made.process($0, "job\($0)", parent: 10).hogging(0.25) }
        #expect(Parties(commands).suspects { $0.coresUsed(over: 1) }.isEmpty)
    }

    @Test func `one of many that stands out by itself is named alone`() {
        let hogs = (20..<25).map { Made.process($0, "fio", parent: 10).hogging($0 == 20 ? 1 : 0.2) }
        let suspects = Parties(hogs).suspects { $0.coresUsed(over: 1) }
        #expect(suspects.map(\.name) == ["fio (pid 20)"])
    }

    @Test func `processes whose group nobody knows are parties of their own`() {
        let parties = Parties([
            Made.process(10, "a", group: 0), Made.process(11, "b", group: 0), Made.process(3, "kworker", kernel: true),
        ])
        #expect(parties.party == [0, 1, 2])
    }

    @Test func `a process that ended within the tick counts`() {
        let parties = Parties([
            Made.process(10, "cc1", group: 9).hogging(0.9).with { $0.exited = true },
            Made.process(12, "nginx").hogging(0.1),
        ])
        #expect(parties.suspects { $0.coresUsed(over: 1) }.map(\.process.comm) == ["cc1"])
    }

    @Test func `kernel threads are neither culprits nor victims`() {
        let parties = Parties([
            Made.process(3, "kworker/u4:1", kernel: true).moving(written: 1e9).blocked(900),
            Made.process(12, "postgres").moving(written: 1e6).blocked(100),
        ])
        let suspects = parties.suspects { $0.ioCost(over: 1) }
        #expect(suspects.map(\.process.comm) == ["postgres"])
        #expect(
            parties.sufferers(from: []) { process, _ in Double(process.scheduling?.blockedNanoseconds ?? 0) }.map(
                \.process.comm) == ["postgres"])
    }

    @Test func `nobody is named when nobody stands out`() {
        let crowd = (10..<30).map { Made.process(Int32($0), "worker").hogging(0.1) }
        #expect(Parties(crowd).suspects { $0.coresUsed(over: 1) }.isEmpty)
    }

    @Test func `two that share the cause are both named, a small one beside them is not`() {
        let parties = Parties([
            Made.process(10, "a").hogging(0.9), Made.process(11, "b").hogging(0.8),
            Made.process(12, "c").hogging(0.2),
        ])
        #expect(parties.suspects { $0.coresUsed(over: 1) }.map(\.process.comm) == ["a", "b"])
    }

    @Test func `a parent does not suffer from its children, nor they from it`() {
        let parties = Parties([
            Made.process(20, "swift-build", group: 20),
            Made.process(21, "swift-frontend", group: 21, parent: 20).hogging(2),
            Made.process(22, "clang", group: 22, parent: 21),
            Made.process(30, "nginx", group: 30),
        ])
        let suspects = parties.suspects { $0.coresUsed(over: 1) }
        let sufferers = parties.sufferers(from: suspects) { _, _ in 100 }
        #expect(sufferers.map(\.process.comm) == ["nginx"])
    }

    @Test func `a wait that began seconds ago counts for no more than the second it ended in`() {
        let parties = Parties([Made.process(20, "a").blocked(5000), Made.process(21, "b").blocked(400)])
        let sufferers = parties.sufferers(from: []) { process, _ in
            Double(process.scheduling?.blockedNanoseconds ?? 0) / 1e6
        }
        #expect(sufferers.map(\.stall) == [1000, 400])
    }

    @Test func `a script that starts the one that hurts the other is no reason to spare it`() {
        let parties = Parties([
            Made.process(20, "python3", group: 20, session: 10),
            Made.process(21, "nginx", group: 20, parent: 20, session: 10),
            Made.process(30, "stress-ng", group: 30, parent: 20, session: 30).hogging(2),
        ])
        let suspects = parties.suspects { $0.coresUsed(over: 1) }
        #expect(parties.sufferers(from: suspects) { _, _ in 100 }.map(\.process.comm) == ["nginx"])
    }

    @Test func `a loop of parents ends`() {
        let parties = Parties([
            Made.process(20, "a", group: 20, parent: 21), Made.process(21, "b", group: 21, parent: 20),
            Made.process(22, "c", group: 22),
        ])
        #expect(!parties.isRelated(0, to: 2))
    }

    @Test func `a reused pid is not the same process`() {
        let parties = Parties([Made.process(20, "a")])
        #expect(parties.position(of: .init(pid: 20, startTicks: 1)) == nil)
        #expect(parties.position(of: .init(pid: 20, startTicks: 2000)) == 0)
    }

    @Test func `the same processes in another order give the same names`() {
        let crowd = (10..<14).map { Made.process(Int32($0), "w\($0)", group: 9).hogging(0.5) }
        let forth = Parties(crowd).suspects { $0.coresUsed(over: 1) }
        let back = Parties(crowd.reversed()).suspects { $0.coresUsed(over: 1) }
        #expect(forth.map(\.process.comm) == ["w10"])
        #expect(back.map(\.process.comm) == ["w10"])
    }
}
