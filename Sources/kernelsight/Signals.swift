import ArgumentParser
import Foundation
import Glibc
import Model

struct SignalsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signals", abstract: "Lists signals, newest first.",
        discussion: """
            Those that opened in the last minutes, and those that are still open. For example: \
            kernelsight query --type scheduler --lookback 60 --csv
            """, aliases: ["query"])

    @Option(
        name: [.customLong("signal-type"), .customLong("type")],
        help: "Only of this type: \(SignalType.allCases.map(\.rawValue).joined(separator: ", ")).")
    var signalType: SignalType?

    @Option(help: "The least: low, medium, high, critical.")
    var severity: String?

    @Option(help: "open, closed or unknown.")
    var state: String?

    @Option(help: "Of this thing alone, by name or id: sda, nginx, 1234@567890.")
    var entity: String?

    @Option(help: "At most so many, 1 to 1000.")
    var limit = 20

    @Option(help: "Minutes back, 1 to 1440. Default: 10; with --state open, all.")
    var lookback: Int?

    @Flag(help: "The API's reply as it is.")
    var json = false

    @Flag(help: "timestamp, signal_type, severity, pressure_score, summary.")
    var csv = false

    @Flag(help: "Again each two seconds, until Ctrl-C.")
    var watch = false

    @OptionGroup var source: SourceOptions

    func validate() throws {
        if json && csv { throw ValidationError("--json and --csv: one of them") }
        if watch && (json || csv) { throw ValidationError("--watch is for people: without --json and --csv") }
    }

    private var query: [(name: String, value: String)] {
        var query = [(name: "limit", value: "\(limit)")]
        if let lookback { query.append((name: "lookback_minutes", value: "\(lookback)")) }
        for (name, value) in [
            ("signal_type", signalType?.rawValue), ("severity", severity), ("state", state), ("entity", entity),
        ] { if let value { query.append((name, value)) } }
        return query
    }

    func run() throws {
        if json {
            print(String(decoding: try source.ask("/api/signals", query), as: UTF8.self))
            return
        }
        repeat {
            let reply = try source.ask(Replies.Signals.self, "/api/signals", query)
            if watch { print("\u{1B}[2J\u{1B}[H", terminator: "") }
            for line in csv ? Self.csv(reply) : Self.lines(reply, Terminal(), now: .now) { print(line) }
            fflush(nil)
            if watch { sleep(2) }
        } while watch
    }

    static func lines(_ reply: Replies.Signals, _ terminal: Terminal, now: Timestamp) -> [String] {
        let lines = reply.signals.map { signal in
            let end = signal.closedAt.map { Timestamp(nanoseconds: $0) } ?? now
            let lasted = Terminal.duration(end.seconds(since: signal.opened))
            let state = signal.state == "open" ? "open for \(lasted)" : "\(signal.state) after \(lasted)"
            return "\(signal.id) \(terminal.severity(signal.severity)) \(signal.signalType), \(state): "
                + Terminal.plain(signal.summary)
        }
        return [reply.summary + (reply.stale ? " The data are stale: kernelsight status says why." : "")] + lines
            + (reply.nextCursor == nil ? [] : ["… there are more"])
    }

    static func csv(_ reply: Replies.Signals) -> [String] {
        func quoted(_ text: String) -> String {
            "\"\(text.replacing("\"", with: "\"\"").replacing("\n", with: " "))\""
        }
        return ["timestamp,signal_type,severity,pressure_score,summary"]
            + reply.signals.map { signal in
                "\(signal.timestampIso),\(signal.signalType),\(signal.severity),\(signal.pressureScore),\(quoted(signal.summary))"
            }
    }
}

struct SignalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Shows one signal with its evidence, who causes it and who suffers.")

    @Argument(help: "Its number.")
    var id: Int64

    @Flag(help: "The API's reply as it is.")
    var json = false

    @OptionGroup var source: SourceOptions

    func run() throws {
        let path = "/api/signals/\(id)"
        if json {
            print(String(decoding: try source.ask(path), as: UTF8.self))
            return
        }
        for line in Self.lines(try source.ask(Replies.Signal.self, path), Terminal()) { print(line) }
    }

    static func lines(_ signal: Replies.Signal, _ terminal: Terminal) -> [String] {
        var lines = [
            "\(terminal.severity(signal.severity)) \(signal.signalType) (\(signal.label)) of \(signal.entity.type) "
                + Terminal.plain(signal.entity.name),
            Terminal.plain(signal.summary),
            "\(signal.state), from \(signal.timestampIso)" + (signal.closedAtIso.map { " to \($0)" } ?? "")
                + ", seen \(signal.occurrenceCount) times",
        ]
        lines += Why.people(signal).map { "  \($0)" }
        let inputs = (signal.evidence ?? []).map { input in
            [
                input.metric, "\(Terminal.short(input.value)) \(input.unit)",
                input.threshold.map { "threshold \(Terminal.short($0))" } ?? "",
                input.baseline.map { "usually \(Terminal.short($0.median)), p95 \(Terminal.short($0.p95))" } ?? "",
            ]
        }
        lines += Terminal.table(inputs, right: [1]).map { "  \($0)" }
        lines += (signal.patterns ?? []).map { "looks like: \(Terminal.plain($0))" }
        lines += (signal.reasoningHints ?? []).map { "may help: \(Terminal.plain($0))" }
        return lines
    }
}
