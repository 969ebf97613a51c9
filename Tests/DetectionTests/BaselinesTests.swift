import Forecast
import Model
import Testing

@testable import Detection

/// What is usual, and what the rules make of it.
@Suite struct BaselinesTests {
    private let hog = Made.process(4243, "stress-ng-hdd", group: 4242).dirtying(3e8).blocked(800)
    private let victim = Made.process(812, "postgres").moving(written: 1e5, requests: 20).blocked(420)

    /// A detector that has seen a disk with these latencies for half an hour.
    private func experienced(latency: Double) -> Detector {
        var detector = Detector(nextID: 1)
        for second in 0..<1800 {
            _ = detector.step(Made.idle(second: second).congested(latency: latency, depth: 0.5, busy: 0.2, pressure: 0))
        }
        return detector
    }

    private func situation(_ tick: Tick, _ detector: Detector) -> Situation {
        Situation(tick, thresholds: Thresholds(), own: nil, usual: detector.baselines.usual)
    }

    @Test func `before a quarter of an hour the rules use absolute thresholds and say so`() throws {
        let found = try #require(Made.idle().congested().adding(hog, victim).observed(IOCongestion()).first)
        let latency = try #require(found.finding.evidence.first)
        #expect(latency.baseline == nil)
        #expect(latency.threshold == 5)
        #expect(
            found.finding.message.patterns
                == ["what is usual for sda is not known yet: compared with absolute thresholds"])
    }

    @Test func `a disk that is always slow is congested when it is slower than that`() throws {
        let detector = experienced(latency: 20)
        func worst(_ latency: Double) -> Severity? {
            let tick = Made.idle(second: 1800).congested(latency: latency).adding(hog, victim)
            return IOCongestion().evaluate(situation(tick, detector)).observations.first { $0.strength >= 1 }?
                .grade.severity
        }
        #expect(worst(30) == nil)
        #expect(worst(60) == .low)
        #expect(worst(150) == .medium)
    }

    @Test func `a disk that is always fast is congested at half of the absolute thresholds, not at less`() throws {
        let detector = experienced(latency: 0.4)
        let slower = Made.idle(second: 1800).congested(latency: 4, pressure: 0.45).adding(hog, victim)
        #expect(slower.observed(IOCongestion()).isEmpty)
        #expect(IOCongestion().evaluate(situation(slower, detector)).observations.first?.grade.severity == .low)
        #expect(
            BlockDeviceSaturation().evaluate(situation(slower, detector)).observations.first?.grade.severity == .medium)
        let fast = Made.idle(second: 1800).congested(latency: 2.4).adding(hog, victim)
        #expect(BlockDeviceSaturation().evaluate(situation(fast, detector)).observations.first?.grade.severity == .low)
        let tick = Made.idle(second: 1800).congested(latency: 60).adding(hog, victim)
        let found = try #require(IOCongestion().evaluate(situation(tick, detector)).observations.first)
        #expect(found.grade.severity > .low)
        let latency = try #require(found.finding.evidence.first)
        #expect(latency.threshold == 2.5)
        #expect(abs((latency.baseline?.p95 ?? 0) / 0.4 - 1) < 0.05)
        #expect(found.finding.message.patterns == ["usually at most 0.4 ms (p95 of what was learned)"])
    }

    @Test func `a program that is always blocked a little does not suffer when it is again`() throws {
        func blocked(_ milliseconds: Double) -> ProcessActivity {
            Made.process(700, "backup").moving(written: 1e5, requests: 20).blocked(milliseconds)
        }
        func worst(usually: Double, _ others: ProcessActivity...) -> Observation? {
            var detector = Detector(nextID: 1)
            for second in 0..<1000 { _ = detector.step(Made.idle(second: second).adding(blocked(usually))) }
            let tick = Made.idle(second: 1000).congested().with { $0.processes += others }.adding(hog)
            return IOCongestion().evaluate(situation(tick, detector)).observations.first { $0.strength >= 1 }
        }
        #expect(worst(usually: 90, blocked(120))?.grade.severity == .low)
        #expect(worst(usually: 0, blocked(120))?.grade.severity == .medium)
        // Whoever is not used to it does suffer, and comes first although it waits for less.
        let found = try #require(worst(usually: 90, blocked(160), Made.process(812, "postgres").blocked(110)))
        #expect(found.grade.severity == .medium)
        #expect(found.finding.victims.map(\.comm) == ["postgres", "backup"])
        let evidence = try #require(found.finding.evidence.first { $0.metric == "process.blocked" })
        #expect(evidence.value == 110)
        // A loop that does nothing but wait for its disk has no room to show more.
        #expect(worst(usually: 950, blocked(980))?.grade.severity == .high)
    }

    @Test func `the names of programs whose stalls are learned are bounded`() {
        var baselines = Baselines()
        let stalls = (0..<1000).map { MetricSample("process.blocked:p\($0)", 5) }
        baselines.learn(stalls + [MetricSample("memory.used", 0.5)], at: Made.start, open: [])
        #expect(baselines.metrics.count == Baselines.mostStalls + 1)
        var resumed = Baselines(baselines.metrics)
        resumed.learn(stalls.reversed(), at: Made.start, open: [])
        #expect(resumed.metrics.count == Baselines.mostStalls + 1)
    }

    @Test func `an incident does not become normal`() {
        var detector = experienced(latency: 1)
        for second in 1800..<9000 {
            _ = detector.step(Made.idle(second: second).congested(latency: 90).adding(hog, victim))
        }
        #expect(detector.open.contains { $0.key.type == .ioCongestion && $0.current.severity > .low })
        let usual = detector.baselines.usual["disk.latency.p95:sda"]
        #expect((usual?.profile.p95 ?? 100) < 2)
        // What the incident is not about was learned all along.
        #expect((detector.baselines.usual["memory.used"]?.profile.count ?? 0) > 8000)
    }

    @Test func `what was learned is there again after a restart`() {
        let before = experienced(latency: 40)
        var after = Detector(nextID: 1, baselines: Baselines(before.baselines.metrics))
        _ = after.step(Made.idle(second: 1801))
        #expect(after.baselines.usual.count == before.baselines.usual.count)
        #expect(after.baselines.usual.count > 5)
    }

    @Test func `the number of metrics is bounded`() {
        var baselines = Baselines()
        let samples = (0..<1000).map { MetricSample("disk.queue:sd\($0)", 1) }
        baselines.learn(samples, at: Made.start, open: [])
        #expect(baselines.metrics.count == Baselines.most)
    }
}
