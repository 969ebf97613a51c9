import Model
import Testing

@testable import Detection

/// All rules and the state machine together, tick by tick.
@Suite struct DetectorTests {
    private let victim = Made.process(812, "nginx").starving(300)

    @Test func `a fault opens within three ticks, above low, and closes within twelve seconds of its end`() throws {
        var detector = Detector(nextID: 1)
        var second = 0
        func at(_ tick: Tick) -> Tick { tick.with { $0.time = Made.start.advanced(bySeconds: Double(second)) } }
        for _ in 0..<5 {
            second += 1
            #expect(detector.step(at(Made.idle())).isEmpty)
        }
        var opened: [SignalType: Int] = [:]
        for tick in 1...10 {
            second += 1
            for episode in detector.step(at(Made.idle().stressed(cores: 1.9).adding(victim))) {
                #expect(episode.finding.culprits.map(\.comm) == ["stress-ng-cpu"])
                if episode.peak.severity > .low, opened[episode.key.type] == nil { opened[episode.key.type] = tick }
            }
        }
        #expect(opened == [.loadMismatch: 2, .scheduler: 2])
        var closed = 0
        for tick in 1...12 {
            second += 1
            let now = detector.step(at(Made.idle()))
            closed += now.count { $0.state == .closed }
            if tick < 8 { #expect(now.isEmpty) }
        }
        #expect(closed == 2)
        #expect(detector.open.isEmpty)
    }

    @Test func `a host at its everyday work says nothing for an hour`() {
        var detector = Detector(nextID: 1)
        for second in 0..<3600 { #expect(detector.step(Made.idle(second: second).calm(seed: second)).isEmpty) }
        #expect(detector.blindness.isEmpty)
        // Not because nothing could open.
        for second in 3600..<3603 {
            _ = detector.step(Made.idle(second: second).calm(seed: second).congested().stressed(cores: 2))
        }
        #expect(!detector.open.isEmpty)
    }

    @Test func `the first tick, which has no rates, says nothing`() {
        var detector = Detector(nextID: 1)
        #expect(detector.step(Made.idle(interval: 0).stressed(cores: 2).adding(victim)).isEmpty)
    }

    @Test func `a host that measures nothing says what is missing and does not crash`() {
        var detector = Detector(nextID: 1)
        for second in 0..<5 {
            let nothing = Tick(time: Made.start.advanced(bySeconds: Double(second)), interval: 1, uptime: 1e6, cores: 0)
            #expect(detector.step(nothing).isEmpty)
        }
        #expect(detector.blindness.count == SignalType.allCases.count)
    }

    @Test func `a tracer that goes away makes its episodes unknown`() {
        var detector = Detector(nextID: 1)
        let fault = Made.idle().stressed(cores: 1.9).adding(victim)
        _ = detector.step(fault)
        _ = detector.step(fault)
        let lost = detector.step(fault.withoutScheduling)
        #expect(lost.first { $0.key.type == .scheduler }?.state == .unknown)
        #expect(detector.open.first { $0.key.type == .loadMismatch }?.state == .unknown)
    }

    @Test func `thresholds may be replaced while it runs`() {
        var detector = Detector(nextID: 1)
        detector.thresholds.cpuStall = Bands(2, 3, 4, 5)
        detector.thresholds.runQueueWait = Bands(5000, 6000, 7000, 8000)
        let fault = Made.idle().stressed(cores: 1.9).adding(victim)
        for _ in 0..<5 { #expect(detector.step(fault).isEmpty) }
        detector.thresholds = Thresholds()
        _ = detector.step(fault)
        #expect(detector.step(fault).count == 2)
    }

    @Test func `the same ticks give the same episodes`() {
        func run() -> [String] {
            var detector = Detector(nextID: 1)
            return (0..<20).flatMap { second in
                detector.step(
                    Made.idle(second: second).stressed(cores: 1.9).congested()
                        .adding(victim, Made.process(77, "cp").dirtying(4e8).blocked(500)))
            }.map { "\($0.id) \($0.key.type) \($0.key.label) \($0.current) \($0.finding.message.summary)" }
        }
        #expect(run() == run())
    }

    @Test func `late ticks with averaged rates open nothing on a calm host`() {
        var detector = Detector(nextID: 1)
        for second in 0..<10 {
            let interval = second % 3 == 0 ? 9.0 : 1
            // Counts of nine seconds in one tick: as rates they are what they always are.
            let tick = Made.idle(second: second * 4, interval: interval).calm(seed: second).with {
                for index in $0.processes.indices { $0.processes[index].multiply(by: UInt64(interval)) }
            }
            #expect(detector.step(tick).isEmpty)
        }
    }
}

extension ProcessActivity {
    /// The same rates over a longer tick.
    fileprivate mutating func multiply(by factor: UInt64) {
        scheduling?.cpuNanoseconds *= factor
        scheduling?.waitNanoseconds *= factor
        scheduling?.blockedNanoseconds? *= factor
        scheduling?.waits *= factor
        scheduling?.voluntarySwitches *= factor
        scheduling?.involuntarySwitches *= factor
        faults?.minor *= factor
        blockIO?.writes *= factor
        blockIO?.writeBytes *= factor
    }
}

@Suite struct GradeTests {
    @Test func `without a victim a grade is low and its score stays below medium's`() {
        let grade = Grade(severity: .critical, score: 1).suffered(nil)
        #expect(grade.severity == .low)
        #expect(grade.score < 0.5)
    }

    @Test func `a grade is as bad as the victim's at most`() {
        let critical = Grade(severity: .critical, score: 1)
        let medium = Grade(severity: .medium, score: 0.6)
        #expect(critical.suffered(medium) == medium)
        #expect(medium.suffered(critical) == medium)
    }

    @Test func `bands give severity and score that agree`() {
        let bands = Bands(10, 20, 50, 200)
        for (value, severity, score) in [
            (5.0, nil, 0.125), (10, Severity.low, 0.25), (20, .medium, 0.5), (50, .high, 0.75), (200, .critical, 1),
        ] {
            #expect(bands.severity(of: value) == severity)
            #expect(abs(bands.score(of: value) - score) < 1e-9)
        }
        #expect(bands.strength(of: 15) == 1.5)
        #expect(Bands(0, 0, 0, 0).strength(of: 0) == 0)
    }

    @Test func `numbers read well`() {
        #expect(Text.number(0) == "0")
        #expect(Text.number(3.44) == "3.4")
        #expect(Text.number(9.97) == "10")
        #expect(Text.number(412.3) == "412")
        #expect(Text.number(-0.5) == "-0.5")
        #expect(Text.number(.nan) == "?")
        #expect(Text.number(1e300) == "1000000000000000")
        #expect(Text.percent(0.934) == "93")
        #expect(Text.bytes(999) == "999 B")
        #expect(Text.bytes(1_280_000_000) == "1.3 GB")
    }
}
