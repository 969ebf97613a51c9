import ChildProcess
import Foundation
import Glibc
import Model
import Store
import Testing

@testable import Agent

/// Actions on a real process, and back. Needs root: what is lowered is raised again. One after the other, as some are about
/// the whole host.
@Suite(.serialized, .enabled(if: getuid() == 0)) struct ExecutionTests {
    /// Died where the test wants it.
    private struct Death: Error {}
    private struct Errno: Error { let code = errno }

    /// A program with a child and a second thread each, in a session of its own, and a journal.
    private final class Scene {
        let directory: URL
        let child: ChildProcess
        let process: ProcessIdentity
        let host = Host()
        var journal: AgentJournal
        private let isMounted: Bool

        /// - Parameter onSmallDisk: The journal is on a file system of its own, of two megabytes.
        init(onSmallDisk: Bool = false) throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "agent-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            if onSmallDisk, mount("tmpfs", directory.path, "tmpfs", 0, "size=2m") != 0 { throw Errno() }
            isMounted = onSmallDisk
            let program = """
                import os, signal, threading, time
                signal.signal(signal.SIGUSR1, lambda *_: os.fork())
                os.fork()
                threading.Thread(target=time.sleep, args=(100,)).start()
                print("ready", flush=True)
                for _ in range(100): time.sleep(1)
                """
            child = try ChildProcess(
                "setsid", ["--wait", "python3", "-c", program], log: directory.appending(path: "log").path)
            journal = try AgentJournal(
                path: directory.appending(path: "agent.db").path, digest: { String($0.hashValue) })
            process = try #require(ProcessTable.identity(of: child.pid))
            let child = child
            // What starts python may be a script, whose own commands come and go before.
            try eventually { child.output.ranges(of: "ready").count == 2 }
        }

        deinit {
            for member in (try? host.party(of: process).members) ?? [] { kill(member.process.pid, SIGKILL) }
            child.stop()
            journal.close()
            if isMounted { umount2(directory.path, Int32(MNT_DETACH)) }
            try? FileManager.default.removeItem(at: directory)
        }

        func fillDisk() throws {
            let descriptor = open(directory.appending(path: "ballast").path, O_WRONLY | O_CREAT, 0o600)
            defer { close(descriptor) }
            let block = [UInt8](repeating: 1, count: 4096)
            while write(descriptor, block, block.count) == block.count {}
            guard errno == ENOSPC else { throw Errno() }
        }

        func makeSpace() throws { try FileManager.default.removeItem(at: directory.appending(path: "ballast")) }

        var records: AgentReader { AgentReader(path: directory.appending(path: "agent.db").path, connections: 1) }

        func execution(_ checkpoint: @escaping (String) throws -> Void = { _ in }) -> Execution {
            Execution(host: host, journal: Changes(journal: journal, records: records), checkpoint: checkpoint)
        }

        func decide(_ action: Action) throws -> Int64 {
            try journal.add(
                AgentDecision(
                    id: 0, cycle: 1, signal: 1, action: try JSON.text(action), reason: "", confidence: 1,
                    state: .executing, created: .now, updated: .now))
        }

        func perform(_ action: Action, _ id: Int64, _ execution: Execution) throws {
            try execution.perform(decision: id, until: .now + .seconds(5)) {
                let target = Target(party: try host.party(of: process), victims: Party(members: []), disks: disks)
                return try action.steps(for: target, on: host.ground())
            }
        }

        var disks: [String] { Array(host.ground().disks.keys.sorted().prefix(1)) }

        /// All that an action may change of the party.
        func state() throws -> [String: String] {
            var state: [String: String] = [:]
            for member in try host.party(of: process).members {
                for thread in member.threads {
                    let thread = ThreadIdentity(process: member.process, tid: thread)
                    for setting in [Setting.nice(thread), .ioPriority(thread), .affinity(thread)] {
                        state["\(setting)"] = try host.value(of: setting)
                    }
                }
                for setting in [
                    Setting.stopped(member.process), .membership(member.process, controller: "cpu"),
                    .membership(member.process, controller: "blkio"),
                ] { state["\(setting)"] = try host.value(of: setting) }
            }
            for file in ["vm/swappiness", "net/ipv4/tcp_fin_timeout", "net/ipv4/tcp_max_syn_backlog"] {
                state[file] = try host.value(of: .file("/proc/sys/\(file)"))
            }
            return state
        }
    }

    private static let actions: [(ActionKind, String?)] = [
        (.lowerProcessPriority, "15"), (.throttleCPU, "20"), (.setCPUAffinity, "0"), (.pauseProcess, nil),
        (.lowerIOPriority, "idle"), (.throttleIO, "1048576"), (.reduceSwappiness, "5"),
        (.reduceFinTimeout, "10"),
    ]

    @Test(arguments: actions.map(\.0)) func `an action takes effect on all threads, and is undone without a trace`(
        _ kind: ActionKind
    ) throws {
        let scene = try Scene()
        let value = Self.actions.first { $0.0 == kind }?.1
        let action = try Action(kind, on: scene.process, value: value)
        let before = try scene.state()
        let id = try scene.decide(action)
        try scene.perform(action, id, scene.execution())
        let during = try scene.state()
        #expect(before != during)
        let touched = before.keys.filter { before[$0] != during[$0] }.count
        let members = try scene.host.party(of: scene.process).members
        let expected =
            switch kind {
            case .setCPUAffinity, .lowerIOPriority: members.reduce(0) { $0 + $1.threads.count }
            case .reduceSwappiness, .reduceFinTimeout: 1
            default: members.count
            }
        #expect(members.count > 2)
        #expect(touched == expected)
        #expect(try scene.execution().undo(decision: id).isEmpty)
        #expect(try scene.state() == before)
        #expect(try scene.records.changes(of: [id]).allSatisfy { $0.state == "undone" })
    }

    @Test func `who was forked after the action is set back with the others`() throws {
        let scene = try Scene()
        let before = try scene.state()
        let action = try Action(.setCPUAffinity, on: scene.process, value: "0")
        let id = try scene.decide(action)
        try scene.perform(action, id, scene.execution())
        let members = try scene.host.party(of: scene.process).members
        for member in members where member.comm == "python3" { kill(member.process.pid, SIGUSR1) }
        try eventually { (try? scene.host.party(of: scene.process).members.count) ?? 0 == members.count + 2 }
        #expect(try scene.execution().undo(decision: id).isEmpty)
        let cpus = try Set(scene.state().filter { $0.key.hasPrefix("CPUs") }.values)
        #expect(cpus == Set(before.filter { $0.key.hasPrefix("CPUs") }.values))
    }

    @Test func `a queue for half-open connections grows where no cookies are sent, and is set back`() throws {
        let scene = try Scene()
        let cookies = Setting.file("/proc/sys/net/ipv4/tcp_syncookies")
        let change = Change(cookies, from: try scene.host.value(of: cookies), to: "0")
        try scene.host.make(change)
        defer { try? scene.host.make(change.inverse) }
        let before = try scene.state()
        let action = try Action(.increaseTCPBacklog, value: "65536")
        let id = try scene.decide(action)
        try scene.perform(action, id, scene.execution())
        #expect(try scene.state()["net/ipv4/tcp_max_syn_backlog"] == "65536")
        #expect(try scene.execution().undo(decision: id).isEmpty)
        #expect(try scene.state() == before)
    }

    @Test func `who is stopped goes on, and is stopped again when that is taken back`() throws {
        let scene = try Scene()
        let members = try scene.host.party(of: scene.process).members
        for member in members { try scene.host.make(Change(.stopped(member.process), from: "no", to: "yes")) }
        let before = try scene.state()
        let action = try Action(.resumeProcess, on: scene.process)
        let id = try scene.decide(action)
        try scene.perform(action, id, scene.execution())
        #expect(try scene.state().values.count { $0 == "yes" } == 0)
        #expect(try scene.execution().undo(decision: id).isEmpty)
        #expect(try scene.state() == before)
    }

    @Test func `all processes of a party are ended`() throws {
        let scene = try Scene()
        let action = try Action(.terminateProcess, on: scene.process)
        let members = try scene.host.party(of: scene.process).members
        try scene.perform(action, scene.decide(action), scene.execution())
        try eventually {
            !scene.child.isRunning && scene.host.processes().members(members.map(\.process)).isEmpty
        }
    }

    @Test func `what is dirty is written, and the page cache is emptied`() throws {
        let scene = try Scene()
        // Not in memory alone, as /tmp may be.
        let file = URL(filePath: "/var/tmp/agent-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        // What others left dirty could take longer than the agent waits.
        sync()
        try Data(repeating: 1, count: 1 << 20).write(to: file)
        func cached() throws -> Int {
            let log = scene.directory.appending(path: "fincore").path
            let fincore = try ChildProcess(
                "fincore", ["--noheadings", "--raw", "--output", "pages", file.path], log: log)
            fincore.wait(seconds: 10)
            return try #require(Int(fincore.output.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
        #expect(try cached() == 256)
        // Pages that are dirty stay: the one needs the other.
        for kind in [ActionKind.flushBuffers, .clearPageCache] {
            let action = try Action(kind)
            try scene.perform(action, scene.decide(action), scene.execution())
        }
        #expect(try cached() == 0)
    }

    @Test func `a thread that had the value before keeps it`() throws {
        let scene = try Scene()
        let member = try #require(try scene.host.party(of: scene.process).members.last)
        let idle = Setting.ioPriority(ThreadIdentity(process: member.process, tid: try #require(member.threads.last)))
        try scene.host.make(Change(idle, from: scene.host.value(of: idle), to: "idle"))
        let before = try scene.state()
        let action = try Action(.lowerIOPriority, on: scene.process, value: "idle")
        let id = try scene.decide(action)
        try scene.perform(action, id, scene.execution())
        #expect(try scene.execution().undo(decision: id).isEmpty)
        #expect(try scene.state() == before)
    }

    @Test func `children are set back after the process has ended that the action was named for`() throws {
        let scene = try Scene()
        let action = try Action(.setCPUAffinity, on: scene.process, value: "0")
        let id = try scene.decide(action)
        let children = try scene.host.party(of: scene.process).members.filter { $0.process != scene.process }
        let cpus = try scene.state().filter { $0.key.hasPrefix("CPUs") }.values
        try scene.perform(action, id, scene.execution())
        defer { for child in children { kill(child.process.pid, SIGKILL) } }
        kill(scene.process.pid, SIGKILL)
        try eventually { !scene.child.isRunning }
        #expect(try scene.execution().undo(decision: id).isEmpty)
        for thread in Party(members: children).threads {
            #expect(try scene.host.value(of: .affinity(thread)) == cpus.first)
        }
    }

    @Test func `what somebody else has set since is left alone`() throws {
        let scene = try Scene()
        let action = try Action(.lowerIOPriority, on: scene.process, value: "idle")
        let id = try scene.decide(action)
        try scene.perform(action, id, scene.execution())
        let thread = ThreadIdentity(process: scene.process, tid: scene.process.pid)
        try scene.host.make(Change(.ioPriority(thread), from: "idle", to: "best-effort 7"))
        #expect(try scene.execution().undo(decision: id).isEmpty)
        #expect(try scene.host.value(of: .ioPriority(thread)) == "best-effort 7")
        #expect(try scene.records.changes(of: [id]).count { $0.state == "overtaken" } == 1)
    }

    @Test func `a second action uses the group of the first, and either may go first`() throws {
        let scene = try Scene()
        let before = try scene.state()
        let lower = try Action(.lowerProcessPriority, on: scene.process, value: "19")
        let throttle = try Action(.throttleCPU, on: scene.process, value: "20")
        let first = try scene.decide(lower)
        try scene.perform(lower, first, scene.execution())
        let second = try scene.decide(throttle)
        try scene.perform(throttle, second, scene.execution())
        #expect(try scene.records.changes(of: [second]).count == 1)
        #expect(try scene.execution().undo(decision: first).isEmpty)
        #expect(try scene.execution().undo(decision: second).isEmpty)
        #expect(try scene.state() == before)
        #expect(try scene.records.changes(of: [second]).map(\.state) == ["gone"])
    }

    @Test(arguments: actions.map(\.0)) func `whenever the agent dies, the next one accounts for every change`(
        _ kind: ActionKind
    ) throws {
        let value = Self.actions.first { $0.0 == kind }?.1
        var point = 0
        var wasReached = true
        while wasReached {
            point += 1
            let scene = try Scene()
            let before = try scene.state()
            let action = try Action(kind, on: scene.process, value: value)
            let id = try scene.decide(action)
            var passed = 0
            wasReached = false
            let dies: (String) throws -> Void = { _ in
                passed += 1
                if passed == point {
                    wasReached = true
                    throw Death()
                }
            }
            do {
                try scene.perform(action, id, scene.execution(dies))
                _ = try scene.execution(dies).undo(decision: id)
            } catch is Death {}
            // The next one knows only what is on disk.
            #expect(try scene.execution().undo(decision: id).isEmpty)
            #expect(try scene.state() == before, "died at point \(point)")
            #expect(try scene.records.changes(of: [id]).allSatisfy { ["undone", "gone"].contains($0.state) })
        }
        #expect(point > 2)
    }

    @Test func `where the journal cannot be written nothing is changed, and what was changed is set back`() throws {
        let scene = try Scene(onSmallDisk: true)
        let before = try scene.state()
        let action = try Action(.setCPUAffinity, on: scene.process, value: "0")
        let first = try scene.decide(action)
        try scene.perform(action, first, scene.execution())
        #expect(try scene.state() != before)
        try scene.fillDisk()
        #expect(!(try scene.execution().undo(decision: first)).isEmpty)
        #expect(try scene.state() == before, "the host comes first")
        let second = try Action(.lowerIOPriority, on: scene.process, value: "idle")
        #expect(throws: StoreError.self) { try scene.perform(second, first, scene.execution()) }
        #expect(try scene.state() == before, "what is not written down is not done")
        try scene.makeSpace()
        #expect(try scene.execution().undo(decision: first).isEmpty)
        #expect(try scene.state() == before)
        #expect(try scene.records.changes(of: [first]).allSatisfy { $0.state == "undone" })
    }

    @Test func `an action on a process that ended does nothing and says so`() throws {
        let scene = try Scene()
        for member in try scene.host.party(of: scene.process).members { kill(member.process.pid, SIGKILL) }
        try eventually { !scene.child.isRunning }
        #expect(throws: HostError.gone(scene.process)) { try scene.host.party(of: scene.process) }
        let reused = ProcessIdentity(pid: getpid(), startTicks: 1)
        #expect(throws: HostError.gone(reused)) { try scene.host.party(of: reused) }
    }
}

struct Timeout: Error {}

/// Waits for a condition; throws after ten seconds.
func eventually(_ condition: () -> Bool) throws {
    let limit = ContinuousClock.now + .seconds(10)
    while !condition() {
        guard ContinuousClock.now < limit else { throw Timeout() }
        usleep(10_000)
    }
}
