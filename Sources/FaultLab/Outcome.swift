import Foundation
import Model
import Store

/// What KernelSight said while a scenario was played, and whether that is right.
public struct Outcome: Sendable {
    public var scenario: Scenario
    public var signals: [StoredSignal] = []
    public var began = Timestamp(nanoseconds: 0)
    public var ended = Timestamp(nanoseconds: 0)
    /// The victim before and during the fault.
    public var quiet: Latency?
    public var suffered: Latency?

    init(scenario: Scenario, quiet: Latency?) {
        self.scenario = scenario
        self.quiet = quiet
    }

    /// How one expectation fared.
    public struct Finding: Sendable {
        public var expected: Expected
        /// Seconds from the fault's start until the signal opened; `nil` when none of the wanted severity did.
        public var opened: Double?
        /// Seconds from the fault's end until all of that type were closed; `nil` while one is open.
        public var closed: Double?
        /// Who was named first; `nil` when nobody was.
        public var named: String?
        public var isCulpritRight: Bool
        public var severity: Severity?

        public var isRight: Bool {
            guard let opened, let closed else { return false }
            return opened <= Lab.opensWithin && closed <= Lab.closesWithin && isCulpritRight
        }
    }

    public var findings: [Finding] { scenario.expected.map(find) }

    /// Signals above low that nobody expected.
    public var falseAlarms: [StoredSignal] {
        let known = Set(scenario.expected.map(\.type)).union(scenario.tolerated)
        return signals.filter { $0.peak.severity > .low && !known.contains($0.type) }
    }

    public var isRight: Bool { findings.allSatisfy(\.isRight) && falseAlarms.isEmpty }

    private func find(_ expected: Expected) -> Finding {
        let same = signals.filter { $0.type == expected.type && $0.peak.severity >= expected.severity }
        // The one that is right, or else the worst.
        let ranked = same.sorted { ($0.peak.severity, $1.id) > ($1.peak.severity, $0.id) }
        let best = ranked.first { matches($0, expected.blame) } ?? ranked.first
        let ends = same.map { $0.closed?.seconds(since: ended) }
        return Finding(
            expected: expected, opened: best.map { $0.opened.seconds(since: began) },
            closed: ends.contains { $0 == nil } ? nil : ends.compactMap(\.self).max(), named: best.flatMap(culprit),
            isCulpritRight: best.map { matches($0, expected.blame) } ?? false, severity: best?.peak.severity)
    }

    private func matches(_ signal: StoredSignal, _ blame: Expected.Blame) -> Bool {
        switch blame {
        case .on(let name): culprit(signal)?.hasPrefix(name) == true
        case .nobody: culprit(signal) == nil
        }
    }

    private func culprit(_ signal: StoredSignal) -> String? {
        struct Named: Decodable { var comm: String }
        return (try? JSONDecoder().decode([Named].self, from: Data(signal.culprits.utf8)))?.first?.comm
    }
}
