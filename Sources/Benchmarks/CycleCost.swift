import Agent
import ChildProcess
import Foundation
import Glibc
import Model
import Store

/// What a decision cycle costs, with a long history in the store.
public enum CycleCost {
    private static let phases: [(name: String, bar: Double)] = [
        ("OBSERVE", 2), ("EXPLAIN", 3), ("SIMULATE", 2), ("DECIDE", 1),
    ]

    /// Cycles of an agent that decides and changes nothing, on a store with `signals` closed signals, one that is open, and as
    /// many processes as this host has and 150 more.
    public static func run(signals: Int, cycles: Int, progress: (String) -> Void) async throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.file("bench.db").path
        progress("\(signals) signals are written")
        let now = Timestamp.now
        try DemoData.fill(path: database, signals: signals, span: 30 * 86_400, end: now.advanced(bySeconds: -60))
        let hog = try ChildProcess("sleep", ["600"], in: scratch)
        let victim = try ChildProcess("sleep", ["600"], in: scratch)
        let crowd = try (0..<150).map { _ in try ChildProcess("sleep", ["600"], in: scratch) }
        defer { for child in crowd + [hog, victim] { child.stop() } }
        try write(database, hog: identity(hog.pid), victim: identity(victim.pid), until: now)

        let own = AgentReader.path(besides: database)
        let records = AgentReader(path: own, connections: 1)
        let agent = Agent(
            Agent.Configuration(), reader: Reader(path: database, connections: 1),
            journal: try AgentJournal(path: own, digest: Audit.digest), records: records,
            // Where many cycles take long, what was written is still the newest.
            wallClock: { now })
        progress("\(cycles) cycles")
        var totals: [Double] = []
        for _ in 0..<cycles {
            let clock = ContinuousClock.now
            try await agent.cycle(cause: "benchmark")
            totals.append(milliseconds(ContinuousClock.now - clock))
        }
        let rows = try records.cycles(limit: min(cycles, 100))
        guard rows.allSatisfy({ $0.phases.count == phases.count }) else {
            throw BenchmarkFailure("a cycle did not reach DECIDE: \(rows.first?.outcome ?? "")")
        }
        var figures = phases.map { phase, bar in
            let times = rows.flatMap(\.phases).filter { $0.name == phase }.map { Double($0.durationNanoseconds) / 1e6 }
            return figure("\(phase), mean", times, bar)
        }
        figures.append(figure("cycle with its rows in agent.db, mean", totals, 15))
        return figures
    }

    private static func figure(_ name: String, _ times: [Double], _ bar: Double) -> Figure {
        let sorted = times.sorted()
        let mean = times.reduce(0, +) / Double(max(times.count, 1))
        return Figure(
            name, mean, "ms", bar: .atMost(bar),
            detail: "p95 \(short(sorted[min(sorted.count * 95 / 100, sorted.count - 1)])) ms, \(times.count) times")
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
    }

    private static func identity(_ pid: Int32) throws -> ProcessIdentity {
        guard let identity = ProcessTable.identity(of: pid) else { throw BenchmarkFailure("process \(pid) ended") }
        return identity
    }

    /// What a collector would write of ten seconds in which a hog starves a victim.
    private static func write(
        _ database: String, hog: ProcessIdentity, victim: ProcessIdentity, until end: Timestamp
    ) throws {
        let writer = try Writer(path: database)
        defer { writer.close() }
        let start = end.advanced(bySeconds: -10)
        var episode = Episode(
            id: writer.nextEpisodeID, key: .init(type: .loadMismatch, entity: .host, label: "load_mismatch"),
            opened: start,
            lastSeen: start, peak: Grade(severity: .high, score: 0.8), current: Grade(severity: .high, score: 0.8),
            finding: Finding(
                message: Message(.init(summary: "{0} takes the CPUs"), ["sleep"]), evidence: [],
                culprits: [Culprit(process: hog, comm: "sleep", cgroup: "/", share: 0.95, measure: "CPU time")],
                victims: [
                    Victim(
                        process: victim, comm: "sleep", cgroup: "/", stallMillisecondsPerSecond: 400,
                        stall: "run-queue wait")
                ]))
        for second in 1...10 {
            let time = start.advanced(bySeconds: Double(second))
            episode.lastSeen = time
            let processes = [hog, victim].map {
                var activity = ProcessActivity(
                    identity: $0, parent: 1, processGroup: $0.pid, session: $0.pid, comm: "sleep")
                activity.scheduling = .init()
                return activity
            }
            writer.submit(
                TickRecord(
                    time: time, samples: [MetricSample("pressure.cpu.some", 0.9)], episodes: [episode],
                    processes: processes))
            try writer.flush()
        }
    }
}
