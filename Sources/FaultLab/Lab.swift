import ChildProcess
import Foundation
import Glibc
import Model
import Store

/// Plays scenarios in front of a collector of their own, on this host, and compares what it says with what it should.
public final class Lab {
    /// Seconds that a signal may take to open after its fault's start, and to close after its end.
    public static let opensWithin = 10.0
    static let closesWithin = 15.0
    /// Seconds of quiet before each scenario.
    private static let pause = 4.0

    /// A sleep of 50 ms that takes longer than this many seconds counts as the host's standstill.
    private static let standstill = 0.5

    let scratch: URL
    /// The collector's database is in memory: how late a disk that is flooded lets it commit is not detection's doing.
    private let store: URL
    /// Seconds for which the host stood still, so far.
    private var stoodStill = 0.0
    private let collector: ChildProcess
    let reader: Reader
    var agent: ChildProcess?

    /// Starts a collector with all tracers on a database of its own. Needs root.
    public init(config: String? = nil) throws {
        watchForInterruption()
        let name = "kernelsight-faultlab-\(getpid())"
        scratch = FileManager.default.temporaryDirectory.appending(path: name)
        store = URL(filePath: "/dev/shm").appending(path: name)
        let database = store.appending(path: "lab.db").path
        do {
            for place in [scratch, store] {
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            }
            collector = try ChildProcess(
                ChildProcess.ours("kernelsight-collector"),
                ["--config", config ?? "/dev/null", "--database", database, "--run", scratch.path],
                log: scratch.appending(path: "collector.log").path)
        } catch {
            // Without a collector there is no lab yet whose end would do it.
            for place in [scratch, store] { try? FileManager.default.removeItem(at: place) }
            throw error
        }
        reader = Reader(path: database, connections: 1)
        let (collector, reader) = (collector, reader)
        try wait(30, for: "the collector's first measurement") {
            guard collector.isRunning else { throw LabFailure("the collector ended: \(collector.output.suffix(500))") }
            return ((try? reader.health())?.lastTick.nanoseconds ?? 0) > 0
        }
    }

    deinit {
        stopAgent()
        collector.stop()
        for place in [scratch, store] { try? FileManager.default.removeItem(at: place) }
    }

    /// What came of a scenario.
    public func play(_ scenario: Scenario) throws -> Outcome {
        let stage = try Stage(scenario, in: scratch)
        defer { stage.clear() }
        for part in scenario.bystanders { _ = try stage.start(part) }
        let victim = try scenario.victim.map(stage.start)
        let stoodStillBefore = stoodStill
        try settle(Self.pause)
        try wait(60, for: "the signals of what was before to close") { try loud().isEmpty }
        let quiet = victim.map { Latency(of: $0) }

        let began = Timestamp.now
        var outcome = Outcome(scenario: scenario, began: began, quiet: quiet)
        let depth = stage.depth
        for prop in scenario.faultProps { try stage.set(up: prop) }
        let pulses = try scenario.fault.map { try Pulse($0, on: stage) }
        let end = ContinuousClock.now + .seconds(scenario.seconds)
        while ContinuousClock.now < end {
            for pulse in pulses { try pulse.beat() }
            outcome.see(try reader.signals(since: began, following: outcome.unsettled), at: .now)
            try settle(0.2)
        }
        try stage.checkThatAllRun()
        outcome.suffered = victim.map { Latency(of: $0, after: quiet?.lines ?? 0) }
        for pulse in pulses { pulse.end() }
        try stage.takeDown(to: depth)
        outcome.ended = .now
        // What was dirtied may still be written, and an alarm may come of it.
        let atLeast = ContinuousClock.now + .seconds(Self.pause)
        let limit = ContinuousClock.now + .seconds(Self.closesWithin + 5)
        repeat {
            outcome.see(try reader.signals(since: began, following: outcome.unsettled), at: .now)
            try settle(0.2)
        } while ContinuousClock.now < atLeast || !outcome.isOver && ContinuousClock.now < limit
        outcome.stoodStill = stoodStill - stoodStillBefore
        return outcome
    }

    func settle(_ seconds: Double) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            try checkForInterruption()
            let before = ContinuousClock.now
            usleep(50_000)
            let took = (ContinuousClock.now - before) / .seconds(1)
            if took > Self.standstill { stoodStill += took }
        }
    }

    /// What is open above low.
    func loud() throws -> [StoredSignal] {
        var query = SignalQuery()
        query.state = .open
        query.minimumSeverity = .medium
        query.limit = 100
        return try reader.signals(query).signals
    }
}

extension Reader {
    /// Signals that opened since a moment or are open, and what became of some that were seen before: one that was open already
    /// when a scenario began is in no list once it has closed.
    func signals(since: Timestamp, following known: [Int64]) throws -> [StoredSignal] {
        var query = SignalQuery()
        query.since = since
        query.orOpen = true
        query.limit = 1000
        let listed = try signals(query).signals
        let missing = Set(known).subtracting(listed.map(\.id))
        return try listed + missing.compactMap { try signal(id: $0)?.signal }
    }
}

/// A part of the fault, on all the time or now and then.
private final class Pulse {
    private let part: Part
    private let stage: Stage
    private var child: ChildProcess?
    private var next = ContinuousClock.now

    init(_ part: Part, on stage: Stage) throws {
        self.part = part
        self.stage = stage
        try beat()
    }

    /// Switches on or off when it is time to.
    func beat() throws {
        guard let pulse = part.pulse else {
            if child == nil { child = try stage.start(part) }
            return
        }
        guard ContinuousClock.now >= next else { return }
        if let child {
            child.stop(seconds: 5, group: true)
            self.child = nil
            next = .now + .seconds(pulse.off)
        } else {
            child = try stage.start(part)
            next = .now + .seconds(pulse.on)
        }
    }

    func end() { child?.stop(seconds: 5, group: true) }
}

/// What a victim measured of itself, in milliseconds.
public struct Latency: Sendable {
    /// The median of its seconds' medians.
    public var median = 0.0
    public var worst = 0.0
    /// The median of its seconds' 99th percentiles.
    public var p99 = 0.0
    /// The worst value of a bad second: three in four seconds were better.
    public var bad = 0.0
    /// Lines of its log that were read.
    var lines = 0

    /// - Parameters:
    ///   - skipped: Seconds that are left out at the beginning.
    ///   - most: The most that are looked at after those.
    init(of victim: ChildProcess, after skipped: Int = 0, atMost most: Int = .max) {
        let seconds = victim.output.split(separator: "\n").filter { $0.hasPrefix("latency ") }
        lines = seconds.count
        let values = seconds.dropFirst(skipped).prefix(most).map {
            $0.split(separator: " ").dropFirst().compactMap { Double($0) }
        }
        let medians = values.compactMap(\.first).sorted()
        let worsts = values.compactMap(\.last).sorted()
        let tails = values.compactMap { $0.count > 2 ? $0[1] : nil }.sorted()
        p99 = tails.isEmpty ? 0 : tails[tails.count / 2]
        median = medians.isEmpty ? 0 : medians[medians.count / 2]
        bad = worsts.isEmpty ? 0 : worsts[worsts.count * 3 / 4]
        worst = worsts.last ?? 0
    }

    init(median: Double, bad: Double) {
        self.median = median
        self.bad = bad
        worst = bad
    }

    /// Whether this is clearly worse than before: what usually takes half as long, or what is bad takes three times as long.
    func isWorse(than quiet: Latency) -> Bool { median >= 2 * quiet.median || bad >= 3 * quiet.bad }
}
