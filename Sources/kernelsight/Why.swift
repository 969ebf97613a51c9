import ArgumentParser
import Model

struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what is wrong now, who causes it, and what is being done about it.",
        discussion: "Exit status: 0 nothing above low is open, 2 something is, 3 it cannot be told, 1 no answer.")

    @OptionGroup var source: SourceOptions

    enum Verdict: Int32 {
        case well = 0
        case wrong = 2
        case unknown = 3
    }

    private static let ranks = ["low": 0, "medium": 1, "high": 2, "critical": 3]
    /// Signals that are told whole.
    private static let most = 10

    func run() throws {
        let open = try source.ask(
            Replies.Signals.self, "/api/signals", [(name: "state", value: "open"), (name: "limit", value: "256")])
        let diagnostics = try source.ask(Replies.Diagnostics.self, "/api/diagnostics")
        let agent = try source.ask(Replies.Agent.self, "/api/agent/status")
        // What each signal's victims are stands with it alone; few are above low.
        let all = open.signals.filter { $0.currentSeverity != "low" }
            .sorted { (Self.ranks[$0.currentSeverity] ?? 0) > (Self.ranks[$1.currentSeverity] ?? 0) }
        let grave = try all.prefix(Self.most).map { try source.ask(Replies.Signal.self, "/api/signals/\($0.id)") }
        let low = open.signals.count { $0.currentSeverity == "low" }
        let (verdict, lines) = Self.explain(grave, low: low, diagnostics, agent, Terminal(), now: .now)
        for line in lines { print(line) }
        if all.count > grave.count { print("and \(all.count - grave.count) more: kernelsight signals --state open") }
        if verdict != .well { throw ExitCode(verdict.rawValue) }
    }

    /// - Parameters:
    ///   - grave: Open signals above low, each whole.
    ///   - low: How many more are open.
    static func explain(
        _ grave: [Replies.Signal], low: Int, _ diagnostics: Replies.Diagnostics, _ agent: Replies.Agent,
        _ terminal: Terminal, now: Timestamp
    ) -> (Verdict, [String]) {
        if diagnostics.stale {
            let why = diagnostics.checks.first { $0.component == "collector" || $0.component == "database" }?.details
                .first
            return (
                .unknown,
                [terminal.paint("Unknown: the data are stale.", .red), why ?? "kernelsight status says more."]
            )
        }
        let sorted = grave.sorted { (ranks[$0.currentSeverity] ?? 0) > (ranks[$1.currentSeverity] ?? 0) }
        let blind = diagnostics.checks.first { $0.component == "detection" }?.data?.blind ?? [:]
        var lines: [String] = []
        for signal in sorted {
            let lasted = Terminal.duration(now.seconds(since: signal.opened))
            lines.append(
                "\(terminal.severity(signal.currentSeverity)) \(signal.signalType) for \(lasted): "
                    + terminal.paint(Terminal.plain(signal.summary), .bold))
            lines += people(signal).map { "  \($0)" }
            lines += decisions(agent, about: signal.id).map { "  \($0)" }
        }
        if sorted.isEmpty {
            let word = blind.isEmpty ? "The host is well" : "Nothing is seen to be wrong"
            lines.append(
                terminal.paint(word + (low == 0 ? "." : "; \(low) signals are open, none of which hurts."), .green))
        } else if low > 0 {
            lines.append("and \(low) that hurt nobody: kernelsight signals --state open")
        }
        if !blind.isEmpty {
            lines.append(
                "cannot be told: "
                    + blind.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: "; "))
        }
        let verdict: Verdict = !sorted.isEmpty ? .wrong : blind.isEmpty ? .well : .unknown
        return (verdict, lines)
    }

    /// Who causes a signal, and who suffers.
    static func people(_ signal: Replies.Signal) -> [String] {
        let culprits = signal.culprits.map { culprit in
            "\(Terminal.plain(culprit.name)), \(Terminal.short((culprit.share ?? 0) * 100)) % of \(culprit.measure ?? "it")"
        }
        let victims = (signal.victims ?? []).map { victim in
            "\(Terminal.plain(victim.name)) \(Terminal.short(victim.stallMillisecondsPerSecond)) ms/s \(victim.stall ?? "")"
        }
        return [
            culprits.isEmpty
                ? "who causes it cannot be told from this data" : "caused by \(culprits.joined(separator: "; "))"
        ] + (victims.isEmpty ? [] : ["suffer: \(victims.joined(separator: "; "))"])
    }

    private static func decisions(_ agent: Replies.Agent, about signal: Int64) -> [String] {
        agent.pending.filter { $0.signalId == signal }.map {
            "the agent would \($0.action.words): kernelsight agent approve \($0.decisionId)"
        }
            + agent.standing.filter { $0.signalId == signal }.map {
                "the agent did \($0.action.words): \($0.verdict ?? $0.state)\($0.note.map { ", \(Terminal.plain($0))" } ?? "")"
            }
    }
}
