import Agent
import ChildProcess
import Control
import Foundation
import Glibc
import Model
import Store

extension Lab {
    /// Starts an agent that acts by itself, with these actions alone if any are named.
    public func startAgent(only actions: [String] = []) throws {
        stopAgent()
        let enabled = actions.isEmpty ? "" : ", actions: {enabled: [\(actions.joined(separator: ", "))]}"
        let config = scratch.appending(path: "agent.yaml")
        // A cycle every two seconds, so that it does not wait for a signal to become high.
        try "agent: {mode: auto, cycle_interval_seconds: 2, settle_seconds: 6, most_actions_per_hour: 3600\(enabled)}\n"
            .write(to: config, atomically: true, encoding: .utf8)
        let agent = try ChildProcess(
            ChildProcess.ours("kernelsight-agent"), ["--config", config.path, "--database", reader.path],
            log: scratch.appending(path: "agent.log").path)
        self.agent = agent
        let records = records
        try wait(10, for: "the agent to say that it lives") {
            guard agent.isRunning else { throw LabFailure("the agent ended: \(agent.output.suffix(500))") }
            return (try? records.status())?.pid == agent.pid
        }
    }

    public func stopAgent() {
        agent?.stop(seconds: 10)
        agent = nil
    }

    private var records: AgentReader { AgentReader(path: AgentReader.path(besides: reader.path), connections: 1) }

    /// What the agent does about a fault, and how the victim fares.
    public func play(_ remedy: Remedy) throws -> RemedyOutcome {
        let stage = try Stage(remedy.scenario, in: scratch)
        defer { stage.clear() }
        var others = try remedy.scenario.bystanders.map(stage.start)
        let victim = try remedy.scenario.victim.map(stage.start)
        others += [victim].compactMap(\.self)
        try settle(Remedy.measured)
        try wait(60, for: "the signals of what was before to close") { try loud().isEmpty }
        let began = Timestamp.now
        let before = try readings(others)
        let quiet = victim.map { Latency(of: $0) }
        let depth = stage.depth
        for prop in remedy.scenario.faultProps { try stage.set(up: prop) }
        let fault = try remedy.scenario.fault.map(stage.start)
        let bystanders = Set(others.flatMap { Host().processes().group(of: $0.pid).map(\.process) })
        var names: [ProcessIdentity: String] = [:]
        var notes: [Int64: String] = [:]
        let end = ContinuousClock.now + .seconds(Remedy.within + Remedy.measured)
        var hurt: Latency?
        while ContinuousClock.now < end {
            // Whoever is acted on may be gone at the end.
            for process in try touched(since: began) where names[process] == nil {
                names[process] = bystanders.contains(process) ? "a bystander" : comm(of: process.pid)
            }
            for decision in try decisions(since: began)
            where (decision.verdict != nil || decision.state == .undone) && notes[decision.id] == nil {
                notes[decision.id] = decision.note
            }
            try settle(0.5)
            if hurt == nil, let victim, ContinuousClock.now > end - .seconds(Remedy.within + Remedy.measured - 4) {
                hurt = Latency(of: victim, after: quiet?.lines ?? 0)
            }
        }
        var outcome = RemedyOutcome(remedy: remedy)
        outcome.quiet = quiet?.p99 ?? 0
        outcome.hurt = hurt?.p99 ?? 0
        outcome.after = victim.map { Latency(of: $0, after: (quiet?.lines ?? 0) + Int(Remedy.within)).p99 } ?? 0
        for part in fault { part.stop(seconds: 5, group: true) }
        try stage.takeDown(to: depth)
        try takeBack()
        outcome.deeds = try deeds(since: began, names, notes)
        let after = try readings(others)
        // Short-lived children of a bystander come and go.
        outcome.traces = before.keys.filter { after[$0] != nil && before[$0] != after[$0] }.sorted() + Self.groupsLeft()
        return outcome
    }

    private func takeBack() throws {
        let socket = AgentRequest.socket(besides: reader.path)
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if case .done? = try AgentMessage(.undo)?.ask(at: socket, timeout: 30) { return }
            // It is verifying something.
            try settle(0.5)
        }
        throw LabFailure("the agent did not take back what stands")
    }

    private func comm(of pid: Int32) -> String? {
        (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8))?.trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    private func decisions(since: Timestamp) throws -> [AgentDecision] {
        try records.decisions(since: since).filter { ![.advised, .refused].contains($0.state) }.reversed()
    }

    /// The processes whose settings were changed.
    private func touched(since: Timestamp) throws -> Set<ProcessIdentity> {
        Set(try records.changes(of: decisions(since: since).map(\.id)).compactMap(Self.process))
    }

    private static func process(_ change: AgentChange) -> ProcessIdentity? { Setting.describedProcess(change.setting) }

    private func deeds(
        since: Timestamp, _ names: [ProcessIdentity: String], _ notes: [Int64: String]
    ) throws -> [RemedyOutcome.Deed] {
        try decisions(since: since).map { decision in
            let processes = try records.changes(of: [decision.id]).compactMap(Self.process)
            return RemedyOutcome.Deed(
                time: decision.created.seconds(since: since),
                kind: String(Action.describe(decision.action).prefix { $0 != " " }),
                names: Set(processes.compactMap { names[$0] }),
                state: decision.state, verdict: decision.verdict, note: notes[decision.id])
        }
    }

    /// Every value that the agent can change and that is not the fault's own.
    private func readings(_ others: [ChildProcess]) throws -> [String: String] {
        let host = Host()
        var settings: [Setting] = [
            .file("/proc/sys/vm/swappiness"), .file("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
            .file("/proc/sys/net/ipv4/tcp_fin_timeout"),
        ]
        for child in others {
            for member in host.processes().group(of: child.pid) {
                for tid in member.threads {
                    let thread = ThreadIdentity(process: member.process, tid: tid)
                    settings += [.nice(thread), .ioPriority(thread), .affinity(thread)]
                }
                settings += [
                    .autogroup(member.process), .stopped(member.process),
                    .membership(member.process, controller: "cpu"), .membership(member.process, controller: "blkio"),
                ]
            }
        }
        return settings.reduce(into: [:]) { $0["\($1)"] = try? host.value(of: $1) }
    }

    private static func groupsLeft() -> [String] {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/blkio"].flatMap { mount in
            ((try? FileManager.default.contentsOfDirectory(atPath: mount)) ?? []).filter {
                $0.hasPrefix("kernelsight-")
            }
            .map { "\(mount)/\($0)" }
        }
    }
}
