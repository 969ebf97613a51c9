import Foundation
import Model
import Store

/// What KernelSight said while a scenario was played, and whether that is right.
public struct Outcome: Sendable {
    public var scenario: Scenario
    /// Everything that was open in between, by id.
    public var signals: [StoredSignal] { latest.values.sorted { $0.id < $1.id } }
    public let began: Timestamp
    public var ended = Timestamp(nanoseconds: 0)
    /// The victim before and during the fault.
    public let quiet: Latency?
    public var suffered: Latency?
    /// Seconds for which the host stood still meanwhile, and nobody could measure anything.
    public var stoodStill = 0.0

    /// Whether the disk did so beside nothing but everyday work: then there is something to be seen that is nobody's fault here.
    public var diskStoodStill: Bool {
        scenario.isQuiet && scenario.victim?.arguments.first == "durable" && (suffered?.worst ?? 0) >= 500
    }

    /// Whether what was said is no measure of who said it.
    public var isDisturbed: Bool { stoodStill >= 1 || diskStoodStill }

    private var latest: [Int64: StoredSignal] = [:]
    /// When a signal was first seen with a severity, or a higher one: this is when whoever polls learns of it.
    private var reached: [Int64: [Severity: Timestamp]] = [:]

    init(scenario: Scenario, began: Timestamp, quiet: Latency?) {
        self.scenario = scenario
        self.began = began
        self.quiet = quiet
    }

    /// Takes in what is open, or was.
    mutating func see(_ signals: [StoredSignal], at time: Timestamp) {
        for signal in signals {
            latest[signal.id] = signal
            for severity in Severity.allCases where severity <= signal.peak.severity {
                if reached[signal.id]?[severity] == nil { reached[signal.id, default: [:]][severity] = time }
            }
        }
    }

    /// Signals that may still change.
    var unsettled: [Int64] { latest.values.filter { $0.state != .closed }.map(\.id) }

    /// Whether nothing above low is open any more.
    var isOver: Bool { lasting.isEmpty }

    /// Signals above low that had not closed when the lab stopped waiting.
    public var lasting: [StoredSignal] { signals.filter { $0.peak.severity > .low && $0.state != .closed } }

    /// How one expectation fared.
    public struct Finding: Sendable {
        public var expected: Expected
        /// Seconds from the fault's start until the signal was there with the wanted severity; `nil` when none was.
        public var opened: Double?
        /// Seconds from the fault's end until all of that type were closed; `nil` while one is open.
        public var closed: Double?
        /// Who was named first; `nil` when nobody was.
        public var named: String?
        public var isCulpritRight: Bool
        public var severity: Severity?
        /// Episodes above low of the type.
        public var episodes: Int
        /// Seconds that it may take.
        var opensWithin: Double

        public var isRight: Bool {
            guard let opened, let closed else { return false }
            return episodes <= expected.most && opened <= opensWithin && closed <= Lab.closesWithin && isCulpritRight
        }
    }

    public var findings: [Finding] { scenario.expected.map(find) }

    /// Signals above low that nobody expected.
    public var falseAlarms: [StoredSignal] {
        let known = Set(scenario.expected.map(\.type)).union(scenario.tolerated)
        return signals.filter { $0.peak.severity > .low && !known.contains($0.type) }
    }

    /// Signals above low that blame somebody who is not among those that are to be blamed.
    public var wrongBlames: [(signal: StoredSignal, named: String)] {
        let names = scenario.expected.compactMap { if case .on(let name) = $0.blame { name } else { nil } }
        guard !scenario.isQuiet else { return [] }
        return signals.filter { $0.peak.severity > .low }.compactMap { signal in
            guard let named = culprit(signal), !names.contains(where: named.hasPrefix) else { return nil }
            return (signal, named)
        }
    }

    /// Whether the victim measured what the signals say.
    public var isVictimRight: Bool {
        guard let quiet, let suffered, !scenario.isQuiet, scenario.hurtsVictim else { return true }
        return suffered.isWorse(than: quiet)
    }

    public var isRight: Bool {
        findings.allSatisfy(\.isRight) && falseAlarms.isEmpty && wrongBlames.isEmpty && isVictimRight
    }

    private func find(_ expected: Expected) -> Finding {
        let same = signals.filter { $0.type == expected.type && $0.peak.severity >= expected.severity }
            .sorted { (reached($0, expected.severity), $0.id) < (reached($1, expected.severity), $1.id) }
        // The first that is right, or else the first.
        let best = same.first { matches($0, expected.blame) } ?? same.first
        let ends = same.map { $0.closed?.seconds(since: ended) }
        return Finding(
            expected: expected, opened: best.map { reached($0, expected.severity).seconds(since: began) },
            closed: ends.contains { $0 == nil } ? nil : ends.compactMap(\.self).max(), named: best.flatMap(culprit),
            isCulpritRight: best.map { matches($0, expected.blame) } ?? false, severity: best?.peak.severity,
            episodes: same.count, opensWithin: scenario.opensWithin)
    }

    private func reached(_ signal: StoredSignal, _ severity: Severity) -> Timestamp {
        reached[signal.id]?[severity] ?? signal.opened
    }

    private func matches(_ signal: StoredSignal, _ blame: Expected.Blame) -> Bool {
        switch blame {
        case .on(let name): culprit(signal)?.hasPrefix(name) == true
        case .nobody: culprit(signal) == nil
        }
    }

    private func culprit(_ signal: StoredSignal) -> String? { signal.culprits.first?.comm }
}
