import Agent
import ChildProcess
import Control
import Foundation
import Glibc
import Model
import Store

extension Lab {
    /// Starts an agent: in mode `auto` it mends by itself, in `approve` it does what a person orders.
    private func startAgent(_ mode: AgentMode) throws {
        stopAgent()
        let config = scratch.appending(path: "agent.yaml")
        // A cycle every two seconds, so that it does not wait for a signal to become high.
        try
            "agent: {mode: \(mode.rawValue), cycle_interval_seconds: 2, settle_seconds: 6, most_actions_per_hour: 3600}\n"
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

    func stopAgent() {
        agent?.stop(seconds: 10)
        agent = nil
    }

    private var records: AgentReader { AgentReader(path: AgentReader.path(besides: reader.path), connections: 1) }

    /// What the agent does about a fault, and how the victim fares.
    ///
    /// - Parameter byHand: Whether it is played once more with a person who does what helps most, as soon as there is a signal.
    public func play(_ remedy: Remedy, byHand: Bool) throws -> RemedyOutcome {
        var outcome = try mended(remedy)
        if byHand { outcome.byHand = try playByHand(remedy) }
        return outcome
    }

    private func mended(_ remedy: Remedy) throws -> RemedyOutcome {
        try startAgent(.auto)
        let stage = try Stage(remedy.scenario, in: scratch)
        defer { stage.clear() }
        let cast = try cast(remedy, on: stage)
        let before = try readings(cast.others)
        let fault = try fault(remedy, on: stage)
        let bystanders = Set(cast.others.flatMap { Host().processes().group(of: $0.pid).map(\.process) })
        var names: [ProcessIdentity: String] = [:]
        var notes: [Int64: String] = [:]
        try watch(fault) {
            // Whoever is acted on may be gone at the end.
            for process in try touched(since: fault.began) where names[process] == nil {
                names[process] = bystanders.contains(process) ? "a bystander" : comm(of: process.pid)
            }
            for decision in try decisions(since: fault.began)
            where (decision.verdict != nil || decision.state == .undone) && notes[decision.id] == nil {
                notes[decision.id] = decision.note
            }
        }
        var outcome = RemedyOutcome(remedy: remedy)
        if let victim = cast.victim, let quiet = cast.quiet {
            outcome.quiet = quiet.p99
            outcome.hurt = Latency(of: victim, after: quiet.lines, atMost: Remedy.first).p99
            outcome.after = Latency(of: victim, after: quiet.lines + Int(Remedy.within)).p99
        }
        try end(fault, on: stage)
        outcome.deeds = try deeds(since: fault.began, names, notes)
        let after = try readings(cast.others)
        // Short-lived children of a bystander come and go.
        outcome.traces = before.keys.filter { after[$0] != nil && before[$0] != after[$0] }.sorted() + Self.groupsLeft()
        return outcome
    }

    /// The victim's p99 after a person did what helps most; `nil` where there was no signal to do it for.
    private func playByHand(_ remedy: Remedy) throws -> Double? {
        try startAgent(.approve)
        let stage = try Stage(remedy.scenario, in: scratch)
        defer { stage.clear() }
        let cast = try cast(remedy, on: stage)
        let fault = try fault(remedy, on: stage)
        var isDone = false
        try watch(fault) {
            guard !isDone, let signal = try loud().first, let hog = fault.parts.first else { return }
            isDone = try ask(.order(AgentOrder(remedy.byHand, signal: signal.id, pid: hog.pid)))
        }
        let after = cast.victim.map { Latency(of: $0, after: (cast.quiet?.lines ?? 0) + Int(Remedy.within)).p99 }
        try end(fault, on: stage)
        return isDone ? after : nil
    }

    /// Whoever is there before the fault, and how the victim fares then.
    private struct Cast {
        var others: [ChildProcess]
        var victim: ChildProcess?
        var quiet: Latency?
    }

    private struct Fault {
        var parts: [ChildProcess]
        var began: Timestamp
        /// What was on the stage before it.
        var depth: Int
    }

    private func cast(_ remedy: Remedy, on stage: Stage) throws -> Cast {
        let bystanders = try remedy.scenario.bystanders.map(stage.start)
        let victim = try remedy.scenario.victim.map(stage.start)
        try settle(Remedy.measured)
        try wait(60, for: "the signals of what was before to close") { try loud().isEmpty }
        return Cast(
            others: bystanders + [victim].compactMap(\.self), victim: victim, quiet: victim.map { Latency(of: $0) })
    }

    private func fault(_ remedy: Remedy, on stage: Stage) throws -> Fault {
        let (began, depth) = (Timestamp.now, stage.depth)
        for prop in remedy.scenario.faultProps { try stage.set(up: prop) }
        return Fault(parts: try remedy.scenario.fault.map(stage.start), began: began, depth: depth)
    }

    private func watch(_ fault: Fault, _ look: () throws -> Void) throws {
        let end = fault.began.advanced(bySeconds: Remedy.within + Remedy.measured)
        while Timestamp.now < end {
            try look()
            try settle(0.5)
        }
    }

    private func end(_ fault: Fault, on stage: Stage) throws {
        // Whoever is paused cannot end its workers; and what it does until it ends, the agent may act on once more.
        try takeBack()
        for part in fault.parts { part.stop(seconds: 5, group: true) }
        try stage.takeDown(to: fault.depth)
        try takeBack()
    }

    private func takeBack() throws {
        try wait(30, for: "the agent to take back what stands") { try ask(.undo) }
    }

    /// Whether the agent did it; it does not while it verifies something.
    private func ask(_ request: AgentRequest) throws -> Bool {
        if case .done? = try AgentMessage(request)?.ask(at: AgentRequest.socket(besides: reader.path), timeout: 30) {
            return true
        }
        return false
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
                if let autogroup = member.autogroup { settings.append(.autogroup(member.process, id: autogroup)) }
                settings += [
                    .stopped(member.process),
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
