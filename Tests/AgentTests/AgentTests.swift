import ChildProcess
import Foundation
import Glibc
import Model
import Store
import Synchronization
import Testing

@testable import Agent

/// The whole cycle on a real store and real processes; what was measured is written by hand. Needs root: it acts.
@Suite(.enabled(if: getuid() == 0)) struct AgentTests {
    /// The agent's wall clock, which can be set.
    private final class WallClock: Sendable {
        private let step = Mutex(0.0)

        func set(by seconds: Double) { step.withLock { $0 += seconds } }
        var now: Timestamp { Timestamp.now.advanced(bySeconds: step.withLock { $0 }) }
    }

    /// A hog, its victim, a signal that names both, and an agent.
    private final class Scene {
        let directory = FileManager.default.temporaryDirectory.appending(path: "agent-\(UUID().uuidString)")
        let hog: ChildProcess
        let victim: ChildProcess
        let agent: Agent
        let clock = WallClock()
        private let writer: Writer
        private let database: String
        let host = Host()
        private var episode: Episode
        /// What the victim waits for a CPU, in milliseconds of each second.
        var stall = 400.0
        private var tick = Timestamp.now.advanced(bySeconds: -10)
        /// Tests that block hold the threads that the agent runs on, for some twenty seconds at times where all run at once.
        private static let patience = Duration.seconds(60)

        init(_ change: (inout Agent.Configuration) -> Void = { _ in }) throws {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            database = directory.appending(path: "kernelsight.db").path
            writer = try Writer(path: database)
            hog = try ChildProcess("sleep", ["100"], log: directory.appending(path: "hog").path)
            victim = try ChildProcess("sleep", ["101"], log: directory.appending(path: "victim").path)
            var configuration = Agent.Configuration()
            configuration.policy.mode = .auto
            configuration.settle = 3
            // On a busy host a test may wait long for its turn.
            configuration.freshness = 3600
            change(&configuration)
            let own = AgentReader.path(besides: database)
            agent = Agent(
                configuration, reader: Reader(path: database, connections: 1),
                journal: try AgentJournal(path: own, digest: Audit.digest),
                records: AgentReader(path: own, connections: 1),
                wallClock: { [clock] in clock.now })
            episode = Episode(
                id: 1, key: .init(type: .loadMismatch, entity: .host, label: "load_mismatch"), opened: tick,
                lastSeen: tick, peak: Grade(severity: .high, score: 0.8), current: Grade(severity: .high, score: 0.8),
                finding: Finding(
                    message: Message(.init(summary: "CPUs are contended", patterns: [], hints: []), []), evidence: []))
            let (hog, victim) = (try identity(of: self.hog), try identity(of: self.victim))
            episode.finding.culprits = [
                Culprit(process: hog, comm: "sleep", cgroup: "/", share: 0.95, measure: "CPU time")
            ]
            episode.finding.victims = [
                Victim(
                    process: victim, comm: "sleep", cgroup: "/", stallMillisecondsPerSecond: 400,
                    stall: "run-queue wait")
            ]
            for _ in 0..<10 { try measure() }
        }

        deinit {
            for child in [hog, victim] {
                child.signal(SIGCONT)
                child.signal(SIGKILL)
            }
            writer.close()
            try? FileManager.default.removeItem(at: directory)
        }

        func identity(of child: ChildProcess) throws -> ProcessIdentity {
            try #require(ProcessTable.identity(of: child.pid))
        }

        /// One second of what the collector would write.
        func measure(closed: Bool = false) throws {
            tick = tick.advanced(bySeconds: 1)
            if closed {
                episode.state = .closed
                episode.closed = tick
            } else {
                episode.lastSeen = tick
            }
            let victim = try identity(of: victim)
            var activity = ProcessActivity(
                identity: victim, parent: 1, processGroup: victim.pid, session: victim.pid, comm: "sleep")
            activity.scheduling = .init()
            activity.scheduling?.waitNanoseconds = UInt64(stall * 1e6)
            activity.scheduling?.waits = 10
            activity.scheduling?.cpuNanoseconds = 1_000_000
            writer.submit(TickRecord(time: tick, episodes: [episode], processes: [activity]))
            try writer.flush()
        }

        /// A cycle, while the victim is measured every few milliseconds as if they were seconds.
        func cycle(after change: @escaping (Scene) -> Void = { _ in }) async throws {
            let last = try records.cycles(limit: 1).first?.id ?? 0
            let turn = Task { [agent] in try await agent.cycle(cause: "test") }
            let limit = ContinuousClock.now + Self.patience
            while try decisions.last.map({ $0.state == .verifying }) != true, ContinuousClock.now < limit {
                if let cycle = try records.cycles(limit: 1).first, cycle.id > last, cycle.finished != nil { break }
                try await Task.sleep(for: .milliseconds(5))
            }
            change(self)
            for _ in 0..<8 { try measure() }
            _ = try await turn.value
        }

        /// Waits until nothing is in flight.
        func verified() async throws {
            let limit = ContinuousClock.now + Self.patience
            while try decisions.contains(where: { AgentDecision.State.inFlight.contains($0.state) }) {
                guard ContinuousClock.now < limit else { throw Timeout() }
                try await Task.sleep(for: .milliseconds(10))
            }
        }

        /// Another process is to blame now.
        func blame(_ child: ChildProcess) throws {
            episode.finding.culprits[0].process = try identity(of: child)
            try measure()
        }

        var records: AgentReader { AgentReader(path: AgentReader.path(besides: database), connections: 1) }

        /// Oldest first.
        var decisions: [AgentDecision] { get throws { try records.decisions().reversed() } }

        /// The CPU cgroup of the hog.
        var place: String {
            get throws { try host.value(of: .membership(identity(of: hog), controller: "cpu")) }
        }
    }

    @Test func `what helps stands until it is taken back`() async throws {
        let scene = try Scene()
        let home = try scene.place
        try await scene.cycle { $0.stall = 5 }
        let decision = try #require(try scene.decisions.last)
        #expect(decision.state == .standing)
        #expect(decision.verdict == "helped")
        #expect(try scene.place == home + "/kernelsight-\(scene.hog.pid)")
        #expect(try await scene.agent.undoAll() == 1)
        #expect(try scene.place == home)
        #expect(access(home + "/kernelsight-\(scene.hog.pid)", F_OK) != 0)
    }

    @Test func `what does not help is taken back, and the next cycle tries something else`() async throws {
        let scene = try Scene()
        let home = try scene.place
        try await scene.cycle()
        let first = try #require(try scene.decisions.last)
        #expect(first.verdict == "no_effect")
        #expect(first.state == .undone)
        #expect(try scene.place == home)
        try await scene.cycle { $0.stall = 900 }
        let second = try #require(try scene.decisions.last)
        #expect(second.id != first.id && second.action != first.action)
        #expect(second.verdict == "worse")
        #expect(second.state == .undone)
    }

    @Test(arguments: [-3600.0, 30])
    func `where the clock is set in the settling window nobody knows, and it is taken back`(
        seconds: Double
    ) async throws {
        let scene = try Scene()
        let home = try scene.place
        try await scene.cycle {
            $0.stall = 5
            $0.clock.set(by: seconds)
        }
        let decision = try #require(try scene.decisions.last)
        #expect(decision.verdict == "unknown")
        #expect(decision.note == "after it the clock was set")
        #expect(decision.state == .undone)
        #expect(try scene.place == home)
    }

    @Test func `without a measurement after it nobody knows, and it is taken back`() async throws {
        let scene = try Scene()
        let home = try scene.place
        try await scene.agent.cycle(cause: "test")
        let decision = try #require(try scene.decisions.last)
        #expect(decision.verdict == "unknown")
        #expect(decision.state == .undone)
        #expect(try scene.place == home)
    }

    @Test func `mode observe advises once and changes nothing`() async throws {
        let scene = try Scene { $0.policy.mode = .observe }
        let home = try scene.place
        try await scene.cycle()
        try await scene.cycle()
        #expect(try scene.decisions.map(\.state) == [.advised])
        #expect(try scene.place == home)
    }

    @Test func `mode approve waits for a person, who may say no or come too late`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        try await scene.cycle()
        try await scene.cycle()
        let asked = try #require(try scene.decisions.first)
        #expect(try scene.decisions.map(\.state) == [.pending])
        try await scene.agent.reject(asked.id)
        #expect(try scene.decisions.map(\.state) == [.rejected])
        await #expect(throws: RequestFailure.self) { try await scene.agent.approve(asked.id) }

        let late = try Scene {
            $0.policy.mode = .approve
            $0.expiry = -1
        }
        try await late.cycle()
        await #expect(throws: RequestFailure.self) { try await late.agent.approve(1) }
        #expect(try late.decisions.map(\.state) == [.expired])
    }

    @Test func `what a person approves is done and verified`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let home = try scene.place
        try await scene.cycle()
        #expect(try await scene.agent.approve(1).contains("lower_process_priority"))
        #expect(try scene.place != home)
        await #expect(throws: RequestFailure.self) { try await scene.agent.approve(1) }
        scene.stall = 0
        for _ in 0..<8 { try scene.measure() }
        try await scene.verified()
        #expect(try scene.decisions.map(\.state) == [.standing])
        try await scene.agent.stop()
        #expect(try scene.place == home)
    }

    @Test func `what a person orders is done and verified, and taken back where it does not help`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let hog = Setting.stopped(try scene.identity(of: scene.hog))
        #expect(
            try await scene.agent.perform(AgentOrder(.pauseProcess, signal: 1))
                == "executing pause_process on \(scene.hog.pid), to be verified in 3 s")
        #expect(try scene.host.value(of: hog) == "yes")
        for _ in 0..<8 { try scene.measure() }
        try await scene.verified()
        #expect(try scene.decisions.map(\.verdict) == ["no_effect"])
        #expect(try scene.decisions.map(\.state) == [.undone])
        #expect(try scene.host.value(of: hog) == "no")
        #expect(try scene.records.cycles(limit: 1).first?.cause.contains("a person wanted pause_process") == true)

        #expect(try await scene.agent.perform(AgentOrder(.throttleCPU, signal: 1, value: "5")).contains("to 5"))
        scene.stall = 0
        for _ in 0..<8 { try scene.measure() }
        try await scene.verified()
        #expect(try scene.decisions.map(\.state) == [.undone, .standing])
        try await scene.agent.stop()
    }

    @Test(arguments: [AgentMode.auto, .approve])
    func `what cannot be taken back is done for a person, in any mode that acts`(mode: AgentMode) async throws {
        let scene = try Scene { $0.policy.mode = mode }
        for (kind, deed) in [(ActionKind.flushBuffers, "flush"), (.terminateProcess, "terminate")] {
            #expect(try await scene.agent.perform(AgentOrder(kind, signal: 1)).contains(deed))
            scene.stall = 0
            for _ in 0..<8 { try scene.measure() }
            try await scene.verified()
            scene.stall = 400
            for _ in 0..<8 { try scene.measure() }
        }
        #expect(try scene.decisions.map(\.state) == [.done, .done])
        #expect(scene.hog.wait(seconds: 5))
    }

    @Test func `what cannot be taken back and was done is not called refused where that cannot be written`()
        async throws
    {
        let scene = try Scene()
        let trigger = """
            CREATE TRIGGER no_verifying BEFORE UPDATE OF state ON decisions WHEN NEW.state = 'verifying'
            BEGIN SELECT RAISE(ABORT, 'no room'); END
            """
        let shell = try ChildProcess(
            "sqlite3", ["-cmd", ".timeout 5000", scene.directory.appending(path: "agent.db").path, trigger],
            log: scene.directory.appending(path: "shell").path)
        #expect(shell.wait(seconds: 10) && shell.exitStatus == 0, "\(shell.output)")
        _ = try? await scene.agent.perform(AgentOrder(.terminateProcess, signal: 1))
        #expect(scene.hog.wait(seconds: 5))
        #expect(try scene.decisions.map(\.state) == [.done])
        #expect(try scene.decisions.first?.note?.contains("no room") == true)
    }

    @Test func `an order is refused with what is wrong with it`() async throws {
        let scene = try Scene {
            $0.policy.mode = .approve
            $0.policy.enabled.remove(.throttleCPU)
        }
        let hog = Setting.stopped(try scene.identity(of: scene.hog))
        func refusal(_ order: AgentOrder) async -> String {
            do { return try await scene.agent.perform(order) } catch { return "\(error)" }
        }
        #expect(await refusal(AgentOrder(.pauseProcess, signal: 7)).contains("signal 7 is not open above low"))
        #expect(await refusal(AgentOrder(.pauseProcess, signal: 1, pid: 1)).contains("is protected"))
        #expect(
            await refusal(AgentOrder(.pauseProcess, signal: 1, pid: scene.victim.pid)).contains("suffers already"))
        #expect(await refusal(AgentOrder(.pauseProcess, signal: 1, pid: 4_194_305)).contains("no process 4194305"))
        #expect(await refusal(AgentOrder(.flushBuffers, signal: 1, pid: 1)).contains("is about the host"))
        #expect(await refusal(AgentOrder(.throttleCPU, signal: 1)).contains("agent.actions.enabled"))
        #expect(await refusal(AgentOrder(.setCPUAffinity, signal: 1, value: "x")).contains("allowed"))
        #expect(await refusal(AgentOrder(.terminateProcess, signal: 1, pid: 1)).contains("is protected"))
        // What was refused is no try: it neither cools down nor counts.
        #expect(try scene.decisions.allSatisfy { $0.state == .refused })
        #expect(try await scene.agent.past().isEmpty)
        await scene.agent.configure(Agent.Configuration())
        #expect(await refusal(AgentOrder(.pauseProcess, signal: 1)).contains("mode observe"))
        #expect(try scene.host.value(of: hog) == "no")
        #expect(await refusal(AgentOrder(.listTopCPU, signal: 1)).hasPrefix("list_top_cpu to 10:"))
    }

    @Test func `a decision whose signal has closed is not executed`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let home = try scene.place
        try await scene.cycle()
        try scene.measure(closed: true)
        await #expect(throws: RequestFailure.self) { try await scene.agent.approve(1) }
        #expect(try scene.decisions.map(\.state) == [.refused])
        #expect(try scene.place == home)
    }

    @Test func `a decision is not executed once somebody else is to blame`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let home = try scene.place
        let other = try ChildProcess("sleep", ["102"], log: scene.directory.appending(path: "other").path)
        defer { other.stop() }
        try await scene.cycle()
        try scene.blame(other)
        await #expect(throws: RequestFailure.self) { try await scene.agent.approve(1) }
        #expect(try scene.decisions.map(\.state) == [.refused])
        #expect(try scene.decisions.first?.note?.contains("not to blame any more") == true)
        #expect(try scene.place == home)
    }

    @Test func `a decision holds while its signal names a child of its party that has ended`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let home = try scene.place
        let child = try ChildProcess("sleep", ["102"], log: scene.directory.appending(path: "child").path)
        try await scene.cycle()
        try scene.blame(child)
        child.stop()
        #expect(try await scene.agent.approve(1).contains("executing"))
        #expect(try scene.place != home)
        try await scene.agent.stop()
        #expect(try scene.place == home)
    }

    @Test func `in mode observe nobody can approve what was asked for before`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let home = try scene.place
        try await scene.cycle()
        await scene.agent.configure(Agent.Configuration())
        await #expect(throws: RequestFailure.self) { try await scene.agent.approve(1) }
        #expect(try scene.place == home)
    }

    @Test func `what a person takes back is not done again soon`() async throws {
        let scene = try Scene { $0.policy.enabled = [.lowerProcessPriority] }
        try await scene.cycle { $0.stall = 5 }
        #expect(try scene.decisions.map(\.state) == [.standing])
        #expect(try await scene.agent.undoAll() == 1)
        scene.stall = 400
        for _ in 0..<8 { try scene.measure() }
        try await scene.cycle()
        #expect(try scene.decisions.map(\.state) == [.undone])
    }

    @Test func `of a store that nobody writes any more nothing is concluded, also for a person`() async throws {
        let scene = try Scene {
            $0.policy.mode = .approve
            $0.freshness = 0
        }
        // The store's seconds run ahead of the clock.
        scene.clock.set(by: 60)
        try await scene.cycle()
        #expect(try scene.decisions.isEmpty)
        #expect(try scene.records.cycles(limit: 1).first?.outcome?.contains("s old") == true)
        await #expect(throws: RequestFailure.self) {
            try await scene.agent.perform(AgentOrder(.pauseProcess, signal: 1))
        }
    }

    @Test func `what is done again soon counts from when it was taken back`() async throws {
        let scene = try Scene()
        try await scene.cycle { $0.stall = 5 }
        _ = try await scene.agent.undoAll()
        let path = AgentReader.path(besides: scene.directory.appending(path: "kernelsight.db").path)
        // As if it had stood for two hours.
        let aged = try ChildProcess(
            "sqlite3", [path, "UPDATE decisions SET created = created - 7200000000000"],
            log: scene.directory.appending(path: "sqlite").path)
        #expect(aged.wait(seconds: 10) && aged.exitStatus == 0, "\(aged.output)")
        #expect(try await scene.agent.past().map(\.verdict) == [nil])
    }

    @Test func `a victim, the protected and who has ended are left alone`() async throws {
        let protected = try Scene { $0.policy.protected = ["sleep"] }
        try await protected.cycle()
        #expect(try protected.decisions.isEmpty)
        let gone = try Scene()
        gone.hog.signal(SIGKILL)
        gone.hog.wait(seconds: 5)
        try await gone.cycle()
        #expect(try gone.decisions.isEmpty)
    }

    @Test func `after a kill in the settling window the next agent takes the change back`() async throws {
        let scene = try Scene { $0.policy.mode = .approve }
        let home = try scene.place
        try await scene.cycle()
        _ = try await scene.agent.approve(1)
        #expect(try scene.place != home)
        // The one that was killed has let go of nothing: another connection to the same file is what the next one has.
        try await scene.agent.recover()
        #expect(try scene.decisions.first?.state == .undone)
        #expect(try scene.place == home)
    }

    @Test func `each phase is a row with input, result and duration, and replays as it was`() async throws {
        let scene = try Scene { $0.policy.mode = .observe }
        try await scene.cycle()
        let cycle = try #require(try scene.records.cycles(limit: 1, withRecords: true).first)
        #expect(cycle.phases.map(\.name) == ["OBSERVE", "EXPLAIN", "SIMULATE", "DECIDE"])
        #expect(cycle.phases.allSatisfy { $0.durationNanoseconds > 0 && !$0.message.isEmpty && $0.result != "null" })
        var configuration = Agent.Configuration()
        configuration.policy.mode = .observe
        for _ in 0..<100 {
            let replay = try Replay(cycle, configuration)
            #expect(replay.phases.map(\.now) == cycle.phases.map(\.message))
        }
        configuration.policy.enabled = []
        #expect(try Replay(cycle, configuration).phases.last?.now.hasPrefix("nothing") == true)
    }

    @Test func `a second agent on the same database is refused`() throws {
        let scene = try Scene()
        let path = scene.directory.appending(path: "agent.db").path
        #expect(throws: StoreError.self) { try AgentJournal(path: path, digest: Audit.digest) }
    }

    @Test func `the audit holds, and a changed record is found`() async throws {
        let scene = try Scene()
        try await scene.cycle { $0.stall = 0 }
        var records = try scene.records.audit()
        try #require(records.count > 4)
        #expect(Audit.fault(in: records) == nil)
        records[2].body += "."
        #expect(Audit.fault(in: records) == "record 3 was changed")
        records.remove(at: 2)
        #expect(Audit.fault(in: records) == "record 3 is missing")
        try await scene.agent.stop()
    }
}
