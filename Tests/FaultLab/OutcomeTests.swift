import Foundation
import Model
import Testing

@testable import FaultLab
@testable import Store

/// What the lab makes of what was said: it must not praise what is late, wrong or too much.
@Suite struct OutcomeTests {
    private let start = Timestamp(nanoseconds: 1_764_000_000_000_000_000)
    private let scenario = Scenario(
        name: "flood", about: "", fault: [], expected: [Expected(.ioCongestion, blame: .on("stress-ng"))],
        tolerated: [.syscall])

    private func signal(
        _ id: Int64, _ type: SignalType = .ioCongestion, _ severity: Severity = .high, opened: Double = 2,
        closed: Double? = 25, culprit: String? = "stress-ng-hdd"
    ) -> StoredSignal {
        let grade = Grade(severity: severity, score: 0.8)
        return StoredSignal(
            id: id, type: type, category: .symptom, label: type.rawValue, entity: .host,
            state: closed == nil ? .open : .closed, opened: start.advanced(bySeconds: opened),
            lastSeen: start.advanced(bySeconds: opened), closed: closed.map { start.advanced(bySeconds: $0) },
            peak: grade, current: grade, occurrences: 1, ruleVersion: 1,
            culprits: culprit.map {
                [
                    Culprit(
                        process: ProcessIdentity(pid: 1, startTicks: 1), comm: $0, cgroup: "/", share: 1,
                        measure: "CPU time")
                ]
            } ?? [], text: SignalText(Message(.init(summary: ""), [])))
    }

    /// The fault is on for twenty seconds.
    private func outcome(_ scenario: Scenario? = nil, _ signals: StoredSignal...) -> Outcome {
        var outcome = Outcome(scenario: scenario ?? self.scenario, began: start, quiet: nil)
        outcome.ended = start.advanced(bySeconds: 20)
        for signal in signals { outcome.see([signal], at: signal.opened) }
        return outcome
    }

    @Test func `what was open already when the scenario began is followed until it has closed`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "outcome-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "lab.db").path
        let writer = try Writer(path: path)
        defer { writer.close() }
        let reader = Reader(path: path, connections: 1)
        let grade = Grade(severity: .high, score: 0.8)
        var episode = Episode(
            id: 1, key: .init(type: .ioCongestion, entity: .host, label: "io_congestion"),
            opened: start.advanced(bySeconds: -3), lastSeen: start, peak: grade, current: grade,
            finding: Finding(message: Message(.init(summary: ""), []), evidence: []))
        writer.submit(TickRecord(time: start, episodes: [episode]))
        try writer.flush()
        var outcome = outcome()
        outcome.see(try reader.signals(since: start, following: outcome.unsettled), at: start)
        #expect(!outcome.isOver)
        (episode.state, episode.closed) = (.closed, start.advanced(bySeconds: 25))
        writer.submit(TickRecord(time: start.advanced(bySeconds: 25), episodes: [episode]))
        try writer.flush()
        outcome.see(try reader.signals(since: start, following: outcome.unsettled), at: start)
        #expect(outcome.isOver)
        #expect(outcome.findings.first?.closed == 5)
    }

    @Test func `a signal in time that names the right one is right`() throws {
        let outcome = outcome(nil, signal(1))
        #expect(outcome.isRight)
        let finding = try #require(outcome.findings.first)
        #expect(finding.opened == 2)
        #expect(finding.closed == 5)
        #expect(finding.named == "stress-ng-hdd")
    }

    @Test func `late, never, still open, too mild and another name are each wrong`() {
        #expect(!outcome(nil, signal(1, opened: 10.5)).isRight)
        #expect(!outcome().isRight)
        #expect(!outcome(nil, signal(1, closed: 36)).isRight)
        #expect(!outcome(nil, signal(1, closed: nil)).isRight)
        #expect(!outcome(nil, signal(1, .ioCongestion, .low)).isRight)
        #expect(!outcome(nil, signal(1, culprit: "nginx")).isRight)
        #expect(!outcome(nil, signal(1, culprit: nil)).isRight)
    }

    @Test func `what stays open is shown, whatever it is`() {
        let report = Report.lines(outcome(nil, signal(1), signal(2, .syscall, closed: nil)))
        #expect(report.contains { $0.hasPrefix("OPEN") && $0.contains("syscall") && $0.contains("last seen 18.0 s") })
        #expect(!Report.lines(outcome(nil, signal(1))).contains { $0.hasPrefix("OPEN") })
    }

    @Test func `what grows worse is there when it has grown, not when it was still low`() {
        var outcome = outcome(nil, signal(1, .ioCongestion, .low, opened: -30))
        for second in [4.0, 5] { outcome.see([signal(1, opened: -30)], at: start.advanced(bySeconds: second)) }
        #expect(outcome.findings.first?.opened == 4)
        #expect(outcome.isRight)
    }

    @Test func `ten episodes where one is expected are wrong`() {
        var once = scenario
        once.expected = [Expected(.ioCongestion, blame: .on("stress-ng"), most: 1)]
        #expect(outcome(once, signal(1)).isRight)
        #expect(!outcome(once, signal(1, closed: 6), signal(2, opened: 8)).isRight)
    }

    @Test func `another signal that blames somebody else is wrong, whatever its type`() {
        let blamed = outcome(nil, signal(1), signal(2, .syscall, culprit: "nginx"))
        #expect(!blamed.isRight)
        #expect(blamed.wrongBlames.map(\.named) == ["nginx"])
        #expect(outcome(nil, signal(1), signal(2, .syscall, culprit: nil)).isRight)
        #expect(outcome(nil, signal(1), signal(2, .syscall, .low, culprit: "nginx")).isRight)
    }

    @Test func `a fault that its victim does not feel is none`() {
        func isRight(_ median: Double, _ bad: Double) -> Bool {
            var outcome = Outcome(scenario: scenario, began: start, quiet: Latency(median: 1, bad: 4))
            outcome.ended = start.advanced(bySeconds: 20)
            outcome.see([signal(1)], at: start.advanced(bySeconds: 2))
            outcome.suffered = Latency(median: median, bad: bad)
            return outcome.isRight
        }
        #expect(isRight(2.1, 4))
        #expect(isRight(1, 13))
        #expect(!isRight(1.5, 9))
    }

    @Test func `one right signal beside another of its type that stays open is wrong`() {
        #expect(!outcome(nil, signal(1), signal(2, closed: nil)).isRight)
    }

    @Test func `what is neither expected nor tolerated is a false alarm, unless it is low`() {
        #expect(outcome(nil, signal(1), signal(2, .syscall)).isRight)
        #expect(outcome(nil, signal(1), signal(2, .scheduler, .low)).isRight)
        let alarmed = outcome(nil, signal(1), signal(2, .scheduler, .medium))
        #expect(!alarmed.isRight)
        #expect(alarmed.falseAlarms.map(\.id) == [2])
    }

    @Test func `where nobody can be blamed a name is wrong`() {
        let loss = Scenario(
            name: "loss", about: "", fault: [], expected: [Expected(.networkDegradation, blame: .nobody)])
        #expect(outcome(loss, signal(1, .networkDegradation, culprit: nil)).isRight)
        #expect(!outcome(loss, signal(1, .networkDegradation)).isRight)
    }

    @Test func `everyday work must raise nothing above low`() {
        let idle = Scenario(name: "idle", about: "", fault: [])
        #expect(idle.isQuiet)
        #expect(outcome(idle, signal(1, .loadMismatch, .low)).isRight)
        #expect(!outcome(idle, signal(1, .loadMismatch, .medium)).isRight)
    }

    @Test func `a disk that hangs disturbs everyday work, a fault is to make it hang`() {
        func played(_ victim: Part, worst: Double, _ expected: [Expected] = []) -> Outcome {
            let scenario = Scenario(name: "", about: "", victim: victim, fault: [], expected: expected)
            var outcome = outcome(scenario)
            outcome.suffered = Latency(median: 1, bad: worst)
            return outcome
        }
        let database = Part.workload("durable", "@dir/db.dat", 20)
        #expect(played(database, worst: 600).isDisturbed)
        #expect(!played(database, worst: 400).isDisturbed)
        #expect(!played(database, worst: 600, scenario.expected).isDisturbed)
        #expect(!played(.workload("periodic", 10), worst: 600).isDisturbed)
        var still = played(database, worst: 1)
        still.stoodStill = 1
        #expect(still.isDisturbed)
    }

    @Test func `the score counts signals that never came, wrong names and false alarms`() {
        var report = Report()
        report.outcomes = [
            outcome(nil, signal(1)), outcome(), outcome(nil, signal(1, opened: 6, culprit: "nginx")),
            outcome(nil, signal(1), signal(2, .scheduler)),
        ]
        #expect(report.recall == 0.75)
        #expect(abs(report.culpritAccuracy - 2.0 / 3) < 1e-9)
        #expect(report.falseAlarms == 1)
        #expect(report.medianSecondsToOpen == 2)
        #expect(report.worstSecondsToOpen == 6)
        #expect(!report.isRight)
    }

    @Test func `what could not be played is not right`() {
        var report = Report()
        report.outcomes = [outcome(nil, signal(1))]
        #expect(report.isRight)
        report.skipped = [("swap-storm", "no zram")]
        #expect(!report.isRight)
    }
}

@Suite struct CatalogueTests {
    @Test func `names are unique, faults have victims, and each type has a fault`() {
        #expect(Set(Catalogue.all.map(\.name)).count == Catalogue.all.count)
        for scenario in Catalogue.faults {
            #expect(scenario.victim != nil && !scenario.isQuiet, "\(scenario.name)")
            let needsGroup = (scenario.fault + [scenario.victim].compactMap(\.self)).contains { $0.inGroup }
            let hasGroup = scenario.props.contains {
                switch $0 {
                case .memoryGroup, .slowDisk, .slowReads: true
                default: false
                }
            }
            #expect(needsGroup == hasGroup, "\(scenario.name)")
        }
        #expect(Set(Catalogue.faults.flatMap { $0.expected.map(\.type) }) == Set(SignalType.allCases))
        #expect(Catalogue.quiet.allSatisfy { $0.isQuiet })
        #expect(Catalogue.short.count == 12)
    }
}
