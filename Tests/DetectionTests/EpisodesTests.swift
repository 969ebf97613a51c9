import Model
import Testing

@testable import Detection

/// The state machine by itself, fed with what a rule could say.
@Suite struct EpisodesTests {
    private static let key = Episode.Key(type: .memoryPressure, entity: .host, label: "memory_pressure")

    private static func observation(
        _ severity: Severity = .medium, score: Double? = nil, strength: Double = 2, key: Episode.Key = key,
        culprit: String? = nil
    ) -> Observation {
        let culprits = culprit.map {
            [Culprit(process: .init(pid: 7, startTicks: 1), comm: $0, cgroup: "", share: 0.9, measure: "memory")]
        }
        return Observation(
            key: key, grade: Grade(severity: severity, score: score ?? 0.25 * Double(severity.rawValue)),
            strength: strength,
            finding: Finding(
                message: Message(.init(summary: severity.name), []), evidence: [], culprits: culprits ?? []))
    }

    /// Drives episodes one tick after another.
    private struct Run {
        var episodes: Episodes
        var second = 0
        var clockOffset = 0.0

        init(_ hysteresis: Hysteresis = Hysteresis(), resuming: [Episode] = []) {
            episodes = Episodes(hysteresis: hysteresis, resuming: resuming, nextID: 100)
        }

        mutating func see(_ observations: Observation?..., interval: Double = 1) -> [Episode] {
            step(Verdict(observations: observations.compactMap(\.self)), interval: interval)
        }

        /// By what stands in for data that went away.
        mutating func seeLess(_ observation: Observation) -> [Episode] {
            step(Verdict(observations: [observation], blindness: "the tracer does not run"))
        }

        /// While nobody can tell who suffers.
        mutating func seeNoVictims(_ observation: Observation?) -> [Episode] {
            step(
                Verdict(
                    observations: [observation].compactMap(\.self), blindToVictims: "nobody knows who is blocked"))
        }

        mutating func seeNothing() -> [Episode] { step(.cannotTell("no data")) }

        private mutating func step(_ verdict: Verdict, interval: Double = 1) -> [Episode] {
            second += 1
            return episodes.step(
                time: Made.start.advanced(bySeconds: Double(second) + clockOffset), interval: interval,
                verdicts: [(.memoryPressure, verdict)])
        }
    }

    @Test func `one bad tick opens nothing, two of three do`() {
        var run = Run()
        #expect(run.see(Self.observation()).isEmpty)
        #expect(run.see(nil).isEmpty)
        let opened = run.see(Self.observation())
        #expect(opened.map(\.state) == [.open])
        #expect(opened.first?.id == 100)
        #expect(opened.first?.occurrences == 2)
    }

    @Test func `bad ticks that are further apart than the window open nothing`() {
        var run = Run()
        for _ in 0..<10 {
            #expect(run.see(Self.observation()).isEmpty)
            #expect(run.see(nil).isEmpty)
            #expect(run.see(nil).isEmpty)
        }
        #expect(run.episodes.open.isEmpty)
    }

    @Test func `it closes after the condition has been gone for closeAfter seconds, and not before`() {
        var run = Run()
        _ = run.see(Self.observation())
        _ = run.see(Self.observation())
        for _ in 0..<7 { #expect(run.see(nil).isEmpty) }
        let closed = run.see(nil)
        #expect(closed.map(\.state) == [.closed])
        #expect(closed.first?.closed == Made.start.advanced(bySeconds: 10))
        #expect(closed.first?.lastSeen == Made.start.advanced(bySeconds: 2))
        #expect(run.episodes.open.isEmpty)
    }

    @Test func `what comes and goes every few seconds is one episode`() {
        var run = Run()
        var ids: Set<Int64> = []
        for second in 0..<120 {
            let changed = run.see(second % 8 < 3 ? Self.observation() : nil)
            #expect(!changed.contains { $0.state == .closed })
            ids.formUnion(changed.map(\.id))
        }
        #expect(ids == [100])
    }

    @Test
    func `an alarm closes once it has been no more than low for as long, and what goes on is a low one of its own`() {
        var run = Run()
        for _ in 0..<5 { _ = run.see(Self.observation(.high)) }
        for _ in 0..<7 { #expect(!run.see(Self.observation(.low)).contains { $0.state == .closed }) }
        #expect(run.see(Self.observation(.low)).map(\.state) == [.closed])
        _ = run.see(Self.observation(.low))
        let next = run.see(Self.observation(.low))
        #expect(next.map(\.id) == [101])
        #expect(next.map(\.peak.severity) == [.low])
        for _ in 0..<60 { #expect(!run.see(Self.observation(.low)).contains { $0.state == .closed }) }
    }

    @Test func `an alarm that is mild now and then stays one episode`() {
        var run = Run()
        _ = run.see(Self.observation())
        _ = run.see(Self.observation())
        for _ in 0..<10 {
            for _ in 0..<7 { #expect(!run.see(Self.observation(.low)).contains { $0.state == .closed }) }
            #expect(!run.see(Self.observation()).contains { $0.id != 100 })
        }
    }

    @Test func `an episode that opens again is another one`() {
        var run = Run()
        var ids: [Int64] = []
        for _ in 0..<2 {
            _ = run.see(Self.observation())
            ids += run.see(Self.observation()).map(\.id)
            for _ in 0..<8 { _ = run.see(nil) }
        }
        #expect(ids == [100, 101])
    }

    @Test func `an open episode holds below the threshold that opened it, down to the release`() {
        var run = Run()
        #expect(run.see(Self.observation(.low, strength: 0.9)).isEmpty)
        #expect(run.see(Self.observation(.low, strength: 0.9)).isEmpty)
        _ = run.see(Self.observation(.low, strength: 1))
        _ = run.see(Self.observation(.low, strength: 1))
        for _ in 0..<20 { #expect(!run.see(Self.observation(.low, strength: 0.85)).contains { $0.state == .closed }) }
        #expect(run.episodes.open.count == 1)
        var closed = false
        for _ in 0..<8 { closed = run.see(Self.observation(.low, strength: 0.7)).contains { $0.state == .closed } }
        #expect(closed)
    }

    @Test func `severity needs as many ticks as opening does`() {
        var run = Run()
        _ = run.see(Self.observation(.low))
        _ = run.see(Self.observation(.low))
        _ = run.see(Self.observation(.critical))
        #expect(run.episodes.open.first?.peak.severity == .low)
        let raised = run.see(Self.observation(.high))
        #expect(raised.first?.peak.severity == .high)
        for _ in 0..<3 { _ = run.see(Self.observation(.low)) }
        #expect(run.episodes.open.first?.peak.severity == .high)
        #expect(run.episodes.open.first?.current.severity == .low)
    }

    @Test func `the finding of the worst tick stays, and names are not lost to a tick without any`() {
        var run = Run()
        _ = run.see(Self.observation(.medium, culprit: "hog"))
        _ = run.see(Self.observation(.medium, culprit: "hog"))
        _ = run.see(Self.observation(.critical))
        _ = run.see(Self.observation(.low, culprit: "bystander"))
        let finding = run.episodes.open.first?.finding
        #expect(finding?.culprits.map(\.comm) == ["hog"])
        #expect(finding?.message.summary == "medium")
        _ = run.see(Self.observation(.critical, culprit: "bigger hog"))
        #expect(run.episodes.open.first?.finding.culprits.map(\.comm) == ["bigger hog"])
    }

    @Test func `who was busy while nobody suffered is not blamed for harm that nobody can be named for`() {
        var run = Run()
        _ = run.see(Self.observation(.low, culprit: "reader"))
        _ = run.see(Self.observation(.low, culprit: "reader"))
        #expect(run.episodes.open.first?.finding.culprits.map(\.comm) == ["reader"])
        _ = run.see(Self.observation(.high))
        _ = run.see(Self.observation(.high))
        _ = run.see(Self.observation(.low, culprit: "reader"))
        #expect(run.episodes.open.first?.finding.culprits.isEmpty == true)
    }

    @Test func `names that come later are added`() {
        var run = Run()
        _ = run.see(Self.observation(.high))
        _ = run.see(Self.observation(.high))
        let changed = run.see(Self.observation(.medium, culprit: "hog"))
        #expect(changed.first?.finding.culprits.map(\.comm) == ["hog"])
    }

    @Test func `an episode whose data went away is unknown, does not close, and is open again when it returns`() {
        var run = Run()
        _ = run.see(Self.observation())
        _ = run.see(Self.observation())
        #expect(run.seeNothing().map(\.state) == [.unknown])
        for _ in 0..<100 { #expect(run.seeNothing().isEmpty) }
        #expect(run.episodes.open.map(\.state) == [.unknown])
        #expect(run.see(Self.observation()).map(\.state) == [.open])
        #expect(run.seeNothing().map(\.state) == [.unknown])
        // The data is back and the condition is gone: open until that has been so long enough.
        #expect(run.see(nil).map(\.state) == [.open])
        for _ in 0..<6 { #expect(run.see(nil).isEmpty) }
        #expect(run.see(nil).map(\.state) == [.closed])
    }

    @Test func `what stands in for lost data and sees less does not close an episode`() {
        var run = Run()
        _ = run.see(Self.observation(.high))
        _ = run.see(Self.observation(.high))
        #expect(run.seeLess(Self.observation(.low)).map(\.state) == [.unknown])
        for _ in 0..<100 { #expect(run.seeLess(Self.observation(.low)).isEmpty) }
        // Where it sees as much, that counts.
        #expect(run.seeLess(Self.observation(.medium)).map(\.state) == [.open])
        #expect(run.seeLess(Self.observation(.low)).map(\.state) == [.unknown])
        // Without blindness low is what it says.
        var closed: [Episode] = []
        for _ in 0..<10 { closed += run.see(Self.observation(.low)).filter { $0.state == .closed } }
        #expect(closed.count == 1)
    }

    @Test func `where nobody can tell who suffers, harm that was seen is not over, and the condition may be`() {
        var run = Run()
        _ = run.see(Self.observation(.high))
        _ = run.see(Self.observation(.high))
        #expect(run.seeNoVictims(Self.observation(.low)).map(\.state) == [.unknown])
        for _ in 0..<100 { #expect(run.seeNoVictims(Self.observation(.low)).isEmpty) }
        // What comes and goes goes on.
        for second in 0..<60 {
            let seen = run.seeNoVictims(second.isMultiple(of: 3) ? Self.observation(.low) : nil)
            #expect(seen.isEmpty, "\(seen)")
        }
        // Seen, but too little of it to hold.
        var closed: [Episode] = []
        for _ in 0..<10 {
            closed += run.seeNoVictims(Self.observation(.low, strength: 0.6)).filter { $0.state == .closed }
        }
        #expect(closed.count == 1)
    }

    @Test func `an episode that was never above low lives on what stands in`() {
        var run = Run()
        _ = run.seeLess(Self.observation(.low))
        #expect(run.seeLess(Self.observation(.low)).map(\.state) == [.open])
        for _ in 0..<20 { #expect(run.seeLess(Self.observation(.low)).allSatisfy { $0.state == .open }) }
    }

    @Test func `blindness to one label leaves the others alone`() {
        var episodes = Episodes(hysteresis: Hysteresis(), resuming: [], nextID: 1)
        let other = Episode.Key(type: .memoryPressure, entity: .host, label: "oom_kill")
        for second in 0..<2 {
            _ = episodes.step(
                time: Made.start.advanced(bySeconds: Double(second)), interval: 1,
                verdicts: [
                    (.memoryPressure, Verdict(observations: [Self.observation(), Self.observation(key: other)]))
                ])
        }
        let verdict = Verdict(blindness: "no vmstat", blindLabels: ["oom_kill"])
        let changed = episodes.step(time: Made.start, interval: 1, verdicts: [(.memoryPressure, verdict)])
        #expect(changed.map(\.key.label) == ["oom_kill"])
        #expect(episodes.open.map(\.state) == [.open, .unknown])
    }

    @Test func `a clock step in either direction opens and closes nothing`() {
        for step in [-86_400.0, 86_400, 1e9] {
            var run = Run()
            _ = run.see(Self.observation())
            _ = run.see(Self.observation())
            run.clockOffset = step
            #expect(run.see(nil).isEmpty)
            for _ in 0..<6 { #expect(run.see(nil).isEmpty) }
            #expect(run.see(nil).map(\.state) == [.closed])
        }
    }

    @Test func `two late ticks close nothing before the time is up, and do when it is`() {
        var run = Run()
        _ = run.see(Self.observation())
        _ = run.see(Self.observation())
        #expect(run.see(nil, interval: 3).isEmpty)
        #expect(run.see(nil, interval: 3.5).isEmpty)
        #expect(run.see(Self.observation()).allSatisfy { $0.state == .open })
        #expect(run.see(nil, interval: 4).isEmpty)
        #expect(run.see(nil, interval: 4).map(\.state) == [.closed])
    }

    @Test func `a resumed episode goes on under its id if the condition holds`() throws {
        var before = Run()
        _ = before.see(Self.observation(.high))
        let episode = try #require(before.see(Self.observation(.high)).first)
        var run = Run(resuming: [episode])
        #expect(run.episodes.open.map(\.id) == [100])
        _ = run.see(Self.observation(.high))
        let open = run.episodes.open
        #expect(open.map(\.id) == [100])
        #expect(open.first?.occurrences == 3)
        #expect(open.first?.current.severity == .high)
        #expect(open.first?.opened == episode.opened)
        for _ in 0..<8 { _ = run.see(nil) }
        _ = run.see(Self.observation())
        #expect(run.see(Self.observation()).map(\.id) == [101])
    }

    @Test func `a resumed episode closes if the condition is gone`() throws {
        var before = Run()
        _ = before.see(Self.observation())
        let episode = try #require(before.see(Self.observation()).first)
        var run = Run(resuming: [episode])
        for _ in 0..<7 { #expect(run.see(nil).isEmpty) }
        let closed = run.see(nil)
        #expect(closed.map(\.state) == [.closed])
        #expect(closed.first?.id == episode.id)
    }

    @Test func `of two resumed episodes about the same, the newer goes on and the older closes`() throws {
        var before = Run()
        _ = before.see(Self.observation())
        var old = try #require(before.see(Self.observation()).first)
        let new = old
        old.id = 50
        var run = Run(resuming: [old, new])
        let changed = run.see(Self.observation())
        #expect(changed.first?.id == 50)
        #expect(changed.first?.state == .closed)
        #expect(run.episodes.open.map(\.id) == [100])
    }

    @Test func `an id is never given twice, whatever the store says`() throws {
        var before = Run()
        _ = before.see(Self.observation())
        let resumed = try #require(before.see(Self.observation()).first)
        var episodes = Episodes(hysteresis: Hysteresis(), resuming: [resumed], nextID: 1)
        let other = Episode.Key(type: .memoryPressure, entity: .host, label: "oom_kill")
        for _ in 0..<2 {
            _ = episodes.step(
                time: Made.start, interval: 1,
                verdicts: [(.memoryPressure, Verdict(observations: [Self.observation(key: other)]))])
        }
        #expect(episodes.open.map(\.id) == [100, 101])
    }

    @Test func `steady numbers are returned every five seconds, moving ones at once`() {
        var run = Run()
        _ = run.see(Self.observation(.medium, score: 0.5))
        var returned = 0
        for _ in 0..<51 { returned += run.see(Self.observation(.medium, score: 0.5)).count }
        #expect(returned == 11)
        _ = run.see(Self.observation(.medium, score: 0.7))
        #expect(run.see(Self.observation(.medium, score: 0.7)).first?.current.score == 0.7)
    }

    @Test func `what one tick proves opens in that tick`() {
        var run = Run()
        var kill = Self.observation(.critical)
        kill.opensAtOnce = true
        #expect(run.see(kill).first?.peak.severity == .critical)
    }

    @Test func `open episodes and candidates are bounded and what is refused is counted`() {
        var episodes = Episodes(hysteresis: Hysteresis(), resuming: [], nextID: 1)
        for tick in 0..<4 {
            let flood = (0..<2000).map { pid in
                Self.observation(
                    key: Episode.Key(
                        type: .scheduler,
                        entity: .process(.init(pid: Int32(pid), startTicks: UInt64(tick / 2)), name: "flood"),
                        label: "thrashing"))
            }
            _ = episodes.step(time: Made.start, interval: 1, verdicts: [(.scheduler, Verdict(observations: flood))])
        }
        #expect(episodes.open.count == Episodes.mostOpen)
        #expect(episodes.refused > 0)
    }

    @Test func `the hysteresis may change while episodes are open`() {
        var run = Run()
        _ = run.see(Self.observation())
        _ = run.see(Self.observation())
        run.episodes.hysteresis.window = 1
        run.episodes.hysteresis.openAfter = 5
        run.episodes.hysteresis.closeAfter = 2
        _ = run.see(Self.observation())
        #expect(run.see(nil).isEmpty)
        #expect(run.see(nil).map(\.state) == [.closed])
    }
}
