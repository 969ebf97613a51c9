import Model

/// The table and the score of a run.
public struct Report: Sendable {
    public var outcomes: [Outcome] = []
    /// Scenarios that could not be played here, and why.
    public var skipped: [(name: String, reason: String)] = []

    public init() {}

    /// The table's columns with their widths; the last one has what is left.
    private static let columns = [
        ("", 7), ("scenario", 22), ("expected", 34), ("got", 10), ("opens s", 9), ("closes s", 9), ("culprit", 24),
        ("victim ms (median, worst)", 0),
    ]

    public static var header: String { line(columns.map(\.0)) }

    /// One line for each expectation, and for each false alarm.
    public static func lines(_ outcome: Outcome) -> [String] {
        let name = outcome.scenario.name
        var lines = outcome.findings.map { finding in
            let culprit =
                switch finding.expected.blame {
                case .nobody: finding.named.map { "\($0) (nobody)" } ?? "nobody"
                case .on(let wanted): finding.named ?? "nobody (\(wanted))"
                }
            return line([
                finding.isRight ? "ok" : "WRONG", name,
                "\(finding.expected.type.rawValue)>=\(finding.expected.severity.name)", finding.severity?.name ?? "-",
                number(finding.opened), number(finding.closed), culprit, victim(outcome),
            ])
        }
        for signal in outcome.falseAlarms {
            let what = "\(signal.type.rawValue) \(signal.peak.severity.name): \(signal.message.summary)"
            lines.append(line(["ALARM", name, what]))
        }
        for (signal, named) in outcome.wrongBlames {
            lines.append(line(["BLAME", name, "\(named): \(signal.type.rawValue): \(signal.message.summary)"]))
        }
        for signal in outcome.lasting {
            let since = number(outcome.ended.seconds(since: signal.lastSeen))
            let what =
                "\(signal.type.rawValue) of \(signal.entity.name) \(signal.current.severity.name), \(signal.state.rawValue), "
                + "last seen \(since) s before the fault's end"
            lines.append(line(["OPEN", name, "\(what): \(signal.message.summary)"]))
        }
        if !outcome.isVictimRight {
            lines.append(line(["UNHURT", name, "the victim did not suffer: " + victim(outcome)]))
        }
        if lines.isEmpty { lines.append(line(["ok", name, "nothing above low"])) }
        if outcome.stoodStill > 0 {
            lines.append(line(["STILL", name, "the host stood still for \(number(outcome.stoodStill)) s"]))
        }
        if outcome.diskStoodStill {
            lines.append(line(["STILL", name, "the disk stood still: " + victim(outcome)]))
        }
        return lines
    }

    private static func line(_ cells: [String]) -> String {
        zip(cells, columns).map { cell, column in
            cell + String(repeating: " ", count: max(1, column.1 - cell.count))
        }.joined()
    }

    public var recall: Double { share(of: findings) { $0.opened != nil } }
    public var culpritAccuracy: Double { share(of: findings.filter { $0.opened != nil }) { $0.isCulpritRight } }
    public var medianSecondsToOpen: Double? {
        let seconds = findings.compactMap(\.opened).sorted()
        return seconds.isEmpty ? nil : seconds[seconds.count / 2]
    }
    public var worstSecondsToOpen: Double? { findings.compactMap(\.opened).max() }
    public var worstSecondsToClose: Double? { findings.compactMap(\.closed).max() }
    public var falseAlarms: Int { outcomes.reduce(0) { $0 + $1.falseAlarms.count } }
    public var isRight: Bool { outcomes.allSatisfy(\.isRight) && skipped.isEmpty }

    /// The score, a figure a line.
    public var score: [String] {
        let hours = outcomes.reduce(0) { $0 + $1.ended.seconds(since: $1.began) } / 3600
        return [
            "recall                 \(percent(recall)) of \(findings.count) expected signals",
            "culprit accuracy       \(percent(culpritAccuracy))",
            "false alarms           \(falseAlarms), \(Self.number(hours > 0 ? Double(falseAlarms) / hours : nil)) an hour",
            "seconds to open        median \(Self.number(medianSecondsToOpen)), worst \(Self.number(worstSecondsToOpen))",
            "seconds to close       worst \(Self.number(worstSecondsToClose))",
            "scenarios              \(outcomes.count { $0.isRight }) of \(outcomes.count) right, \(skipped.count) skipped",
        ]
    }

    private var findings: [Outcome.Finding] { outcomes.flatMap(\.findings) }

    private func share(
        of findings: [Outcome.Finding], _ condition: (Outcome.Finding) -> Bool
    ) -> Double { findings.isEmpty ? 1 : Double(findings.count(where: condition)) / Double(findings.count) }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

    private static func victim(_ outcome: Outcome) -> String {
        guard let quiet = outcome.quiet, let suffered = outcome.suffered else { return "" }
        return
            "\(number(quiet.median)), \(number(quiet.worst)) -> \(number(suffered.median)), \(number(suffered.worst))"
    }

    private static func number(_ value: Double?) -> String {
        value.map { "\(($0 * 10).rounded() / 10)" } ?? "-"
    }
}
