import Foundation
import Model
import Store

/// A fault that the agent is to mend by itself.
public struct Remedy: Sendable {
    public var scenario: Scenario
    /// How the name of the one to act on begins; `nil` where no action is one against it.
    public var culprit: String?
    /// What helps most, whatever it costs.
    public var byHand = ActionKind.pauseProcess
    /// Whether something that can be undone helps. Where not, what was tried has to be taken back.
    public var isMendable = true

    public var name: String { scenario.name }

    /// Seconds after which the victim is to be well.
    public static let within = 20.0
    /// Seconds in which it shows how bad the fault is.
    static let first = 4
    /// Seconds for which it is measured then.
    static let measured = 12.0
    /// How many times its quiet p99 it may wait.
    public static let most = 1.5

    public static let all: [Remedy] = [
        of("cpu-hog", "stress-ng"), of("cpu-hog-and-bystander", "stress-ng"),
        Remedy(scenario: web, culprit: "stress-ng"),
        of("switch-storm", "stress-ng"), of("fork-storm", "stress-ng"), of("pinned-core", "stress-ng"),
        of("disk-flood", "stress-ng"), of("disk-readers", "fio"), of("swap-storm", "stress-ng"),
        Remedy(scenario: growing, culprit: "grow", byHand: .terminateProcess), of("cache-thrash", "scan"),
        of("memory-ramp", "grow", byHand: .terminateProcess, mendable: false),
        of("held-lock", nil, byHand: .terminateProcess, mendable: false),
    ].compactMap(\.self)

    public static func named(_ name: String) -> Remedy? { all.first { $0.name == name } }

    private static func of(
        _ name: String, _ culprit: String?, byHand: ActionKind = .pauseProcess, mendable: Bool = true
    ) -> Remedy? {
        Catalogue.named(name).map { Remedy(scenario: $0, culprit: culprit, byHand: byHand, isMendable: mendable) }
    }

    /// Who is paused grows no more, and what it holds can go to swap. Without swap (memory-ramp) it stays where it is.
    private static let growing = Scenario(
        name: "memory-hog-and-swap", about: "Memory that is taken, and goes on being taken once it is too much.",
        props: [.memoryGroup(megabytes: 512), .zramSwap(megabytes: 2048)], victim: Catalogue.workingSet,
        fault: [.workload("grow", 80, 1900, inGroup: true)])

    private static let web = Scenario(
        name: "web-and-hog", about: "nginx at three thousand requests a second, and four busy tasks a core.",
        victim: .workload("requests", 18_712, 3000), bystanders: [Catalogue.nginx],
        fault: [.stress("--cpu 8 --timeout 60")])
}

/// What the agent did about a fault, and how the victim fared.
public struct RemedyOutcome: Sendable {
    public var remedy: Remedy
    /// p99 of the victim in milliseconds: before the fault, in the first seconds of it, and after `Remedy.within`.
    public var quiet = 0.0
    public var hurt = 0.0
    public var after = 0.0
    /// The p99 at that time where a person did what helps most; `nil` where that was not played.
    public var byHand: Double?
    /// What was done, with the names of whom it was done to.
    public var deeds: [Deed] = []
    /// Settings that do not read as before, and cgroups that are left.
    public var traces: [String] = []

    public struct Deed: Sendable {
        /// Seconds since the fault began.
        public var time: Double
        public var kind: String
        public var names: Set<String>
        public var state: AgentDecision.State
        public var verdict: String?
        /// What the verdict came of.
        public var note: String?
    }

    public var isMended: Bool { after <= max(Remedy.most * quiet, byHand ?? 0) }

    /// Those that were touched and are not the culprit's.
    public var wrong: Set<String> {
        let touched = deeds.reduce(into: Set<String>()) { $0.formUnion($1.names) }
        guard let culprit = remedy.culprit else { return touched }
        return touched.filter { !$0.hasPrefix(culprit) }
    }

    /// Whether the right one was acted on, and nobody else, and nothing is left. Whether it helped enough is a matter of the
    /// whole run.
    public var isRight: Bool {
        guard wrong.isEmpty, traces.isEmpty else { return false }
        return remedy.isMendable
            ? deeds.contains { !$0.names.isEmpty } : deeds.allSatisfy { $0.state == .undone && $0.verdict != "helped" }
    }
}

/// The table of what the agent did.
public struct RemedyReport: Sendable {
    public var outcomes: [RemedyOutcome] = []

    public init() {}

    public static let header =
        "       " + "scenario".padded(to: 24) + "p99 quiet".padded(to: 11) + "hurt".padded(to: 11)
        + "after 20 s".padded(to: 12) + "ratio".padded(to: 8) + "by hand"

    /// The row of a scenario, and below it what was done when, with what became of it.
    public static func lines(_ outcome: RemedyOutcome) -> [String] {
        let faults = outcome.wrong.sorted().map { "touched \($0)" } + outcome.traces.map { "left \($0)" }
        let row =
            (outcome.isRight ? (outcome.isMended || !outcome.remedy.isMendable ? "ok" : "slow") : "WRONG")
            .padded(to: 7)
            + outcome.remedy.name.padded(to: 24) + short(outcome.quiet).padded(to: 11)
            + short(outcome.hurt).padded(to: 11) + short(outcome.after).padded(to: 12)
            + short(outcome.after / max(outcome.quiet, 0.001)).padded(to: 8)
            + (outcome.byHand.map(short) ?? "-").padded(to: 11) + faults.joined(separator: "; ")
        return [row]
            + outcome.deeds.map { deed in
                "\(short(deed.time)) s ".padded(to: 13, left: true)
                    + "\(deed.kind) on \(deed.names.sorted().joined(separator: ", ")): "
                    + [deed.verdict ?? deed.state.rawValue, deed.note].compactMap(\.self).joined(separator: ": ")
            }
    }

    public var score: [String] {
        let mendable = outcomes.filter(\.remedy.isMendable)
        return [
            "acted on the right one  \(mendable.count(where: \.isRight)) of \(mendable.count)",
            "mended within 20 s      \(mendable.count { $0.isMended }) of \(mendable.count)",
            "touched others          \(outcomes.count { !$0.wrong.isEmpty })",
            "left traces             \(outcomes.count { !$0.traces.isEmpty })",
        ]
    }

    public var isRight: Bool {
        let mendable = outcomes.filter(\.remedy.isMendable)
        return outcomes.allSatisfy(\.isRight) && Double(mendable.count { $0.isMended }) >= 0.8 * Double(mendable.count)
    }

    private static func short(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}

extension String {
    fileprivate func padded(to width: Int, left: Bool = false) -> String {
        let space = String(repeating: " ", count: max(1, width - count))
        return left ? space + self : self + space
    }
}
