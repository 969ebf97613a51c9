import Model

/// What happened before, as far as the policy looks back.
public struct Past: Sendable, Hashable, Codable {
    public var time: Timestamp
    public var action: Action
    public var verdict: Verdict?
}

/// What the agent may do: the one gate before an action. It is asked when a decision is made and again before each is executed.
public struct Policy: Sendable, Codable {
    public var mode = AgentMode.observe
    /// Kinds of actions that are switched on.
    public var enabled = Set(ActionKind.allCases)
    /// Those that cannot be taken back and may be done without a person all the same.
    public var unattended: Set<ActionKind> = []
    /// Names of processes that are never touched, beside pid 1, kernel threads and what is KernelSight's own.
    public var protected: Set<String> = []
    public var confidenceFloor = 0.6
    /// Seconds until the same action is tried again on the same process, and those until it is where it did not help.
    public var coolDown = 60.0
    public var coolDownAfterFailure = 600.0
    public var mostPerHour = 20

    public init() {}

    /// Never touched, whatever the configuration says: the init system, the way in, and who watches.
    static let untouchable: Set<String> = [
        "systemd", "init", "(sd-pam)", "dbus-daemon", "dbus-broker", "dbus-broker-lau", "sshd", "sshd-session",
        "kernelsight", "kernelsight-col", "kernelsight-api", "kernelsight-age",
    ]
    /// What a process may be called; the kernel cuts longer names.
    private static let nameBytes = 15

    /// Why an action may not be done; `nil` if it may.
    func refusal(
        _ action: Action, confidence: Double?, on target: Target?, _ past: [Past], now: Timestamp,
        byPerson: Bool = false
    ) -> Refusal? {
        if !enabled.contains(action.kind) { return .disabled }
        // In mode observe a person reads the advice, in approve one says yes.
        if !byPerson, mode == .auto {
            if action.kind == .terminateProcess { return .needsPerson }
            if !action.kind.isReversible, !unattended.contains(action.kind) { return .irreversible }
        }
        if let confidence, confidence < confidenceFloor { return .unsure(confidence, floor: confidenceFloor) }
        if action.kind.blastRadius == .party {
            guard let target, !target.party.isEmpty else { return .gone }
            if let member = target.party.members.first(where: isProtected) { return .protected(member.comm) }
            if let victim = target.victims.members.first(where: { target.party.contains($0.process) }) {
                return .hitsVictim(victim.comm)
            }
        }
        if past.count(where: { abs(now.seconds(since: $0.time)) < 3600 }) >= mostPerHour {
            return .tooOften(mostPerHour)
        }
        // Signals name now one process of a party, now another.
        let same = past.filter { one in
            one.action.kind == action.kind
                && (one.action.process == action.process
                    || one.action.process.map { target?.party.contains($0) ?? false } ?? false)
        }
        for one in same {
            let wait = one.verdict == .helped ? coolDown : coolDownAfterFailure
            // A clock that was set back makes no cool-down last for ever.
            if abs(now.seconds(since: one.time)) < wait { return .coolsDown(wait, one.verdict) }
        }
        return nil
    }

    private func isProtected(_ member: Party.Member) -> Bool {
        member.process.pid == 1 || member.isKernelThread || Self.untouchable.contains(member.comm)
            || member.comm.hasPrefix("systemd-")
            || protected.contains { String(decoding: $0.utf8.prefix(Self.nameBytes), as: UTF8.self) == member.comm }
    }
}

/// Why the policy says no.
public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    case disabled
    case needsPerson
    case irreversible
    case unsure(Double, floor: Double)
    case gone
    case protected(String)
    case hitsVictim(String)
    case tooOften(Int)
    case coolsDown(Double, Verdict?)

    public var description: String {
        switch self {
        case .disabled: "it is not among agent.actions.enabled"
        case .needsPerson: "only a person may do this"
        case .irreversible: "it cannot be undone and is not among agent.actions.unattended"
        case .unsure(let confidence, let floor):
            "the cause is not sure enough: \(confidence.short), the floor is \(floor)"
        case .gone: "the process has ended"
        case .protected(let name): "\(name) is protected and would be touched"
        case .hitsVictim(let name): "\(name) suffers already and would be touched"
        case .tooOften(let most): "\(most) actions in the last hour are the limit (agent.most_actions_per_hour)"
        case .coolsDown(let seconds, let verdict):
            "it was done less than \(Int(seconds)) s ago" + (verdict.map { " (\($0.name))" } ?? "")
        }
    }
}
