import Agent
import ChildProcess
import Foundation
import Glibc
import Model
import Store

/// What a decision cycle costs, with a long history in the store.
public enum CycleCost {
    private static let deciding: [(name: String, bar: Double)] = [
        ("OBSERVE", 2), ("EXPLAIN", 3), ("SIMULATE", 2), ("DECIDE", 1),
    ]
    private static let acting: [(name: String, bar: Double)] = [("EXECUTE", 5), ("VERIFY", 2)]

    /// Cycles of an agent that decides, on a store with `signals` closed signals, one that is open, and as many processes as this
    /// host has and 150 more; then, as root, a fifth as many of one that acts on a process of ours, which sleeps, and takes it back.
    public static func run(signals: Int, cycles: Int, progress: (String) -> Void) async throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.file("bench.db").path
        let now = Timestamp.now
        try await DemoData.fill(
            path: database, signals: signals, span: 30 * 86_400, end: now.advanced(bySeconds: -60), progress: progress)
        let hog = try ChildProcess("sleep", ["600"], in: scratch)
        let victim = try ChildProcess("sleep", ["600"], in: scratch)
        let crowd = try (0..<150).map { _ in try ChildProcess("sleep", ["600"], in: scratch) }
        defer { for child in crowd + [hog, victim] { child.stop() } }
        let course = try Course(database, hog: identity(hog.pid), victim: identity(victim.pid), until: now)
        try await course.begin()

        progress("\(cycles) cycles that decide")
        let own = AgentReader.path(besides: database)
        let records = AgentReader(path: own, connections: 1)
        func agent(_ mode: AgentMode) throws -> Agent {
            var configuration = Agent.Configuration()
            configuration.policy.mode = mode
            configuration.policy.coolDown = 0
            configuration.policy.coolDownAfterFailure = 0
            configuration.policy.mostPerHour = .max
            configuration.settle = 4
            return Agent(
                configuration, reader: Reader(path: database, connections: 1),
                journal: try AgentJournal(path: own, digest: Audit.digest), records: records,
                // Where many cycles take long, what was written is still the newest.
                wallClock: { now })
        }
        let observer = try agent(.observe)
        var totals: [Double] = []
        for _ in 0..<cycles {
            let clock = ContinuousClock.now
            try await observer.cycle(cause: "benchmark")
            totals.append((ContinuousClock.now - clock).milliseconds)
        }
        try await observer.stop()
        var figures = try Self.figures(deciding, of: records.cycles(limit: min(cycles, 100)))
        figures.append(.mean("cycle that decides, with its rows in agent.db", totals, atMost: 15))

        guard getuid() == 0 else {
            progress("EXECUTE and VERIFY need root and are left out")
            return figures
        }
        let acts = max(cycles / 5, 1)
        progress("\(acts) cycles that act")
        let actor = try agent(.auto)
        for _ in 0..<acts {
            let seconds = Task { try await course.run() }
            defer { seconds.cancel() }
            try await actor.cycle(cause: "benchmark")
            seconds.cancel()
            try await seconds.value
        }
        await course.close()
        try await actor.stop()
        let rows = try records.cycles(limit: min(acts, 100))
        figures += try Self.figures(acting, of: rows)
        let moves = try Self.moves(of: hog.pid, times: acts)
        figures.append(.mean("of EXECUTE, the kernel's move of a process into a cgroup", moves))
        let move = moves.reduce(0, +) / Double(max(moves.count, 1))
        let sums = rows.map { $0.phases.reduce(-move) { $0 + Double($1.durationNanoseconds) / 1e6 } }
        figures.append(.mean("all six phases, without the kernel's move and the settling window", sums, atMost: 15))
        return figures
    }

    /// What the kernel takes for a write into `cgroup.procs`, in milliseconds: it waits for an RCU grace period in each one that
    /// does not follow another at once (cgroup_threadgroup_rwsem). Empty where a weight is made without a group.
    private static func moves(of pid: Int32, times: Int) throws -> [Double] {
        guard let mount = Host().ground().cpu?.mount else { return [] }
        let group = "\(mount)/kernelsight-bench"
        guard mkdir(group, 0o755) == 0 else { throw BenchmarkFailure("\(group) cannot be made") }
        defer { rmdir(group) }
        func move(to group: String) throws -> Double {
            let file = open("\(group)/cgroup.procs", O_WRONLY | O_CLOEXEC)
            defer { close(file) }
            let (text, clock) = (Array("\(pid)".utf8), ContinuousClock.now)
            guard write(file, text, text.count) == text.count else {
                throw BenchmarkFailure("\(group) takes no process")
            }
            return (ContinuousClock.now - clock).milliseconds
        }
        return try (0..<times).map { _ in
            defer { usleep(100_000) }
            let duration = try move(to: group)
            _ = try move(to: mount)
            return duration
        }
    }

    private static func figures(
        _ phases: [(name: String, bar: Double)], of rows: [AgentCycle]
    ) throws -> [Figure] {
        try phases.map { name, bar in
            let times = rows.flatMap(\.phases).filter { $0.name == name }.map { Double($0.durationNanoseconds) / 1e6 }
            guard times.count == rows.count else {
                throw BenchmarkFailure("a cycle did not reach \(name): \(rows.first?.outcome ?? "")")
            }
            return .mean(name, times, atMost: bar)
        }
    }

    private static func identity(_ pid: Int32) throws -> ProcessIdentity {
        guard let identity = ProcessTable.identity(of: pid) else { throw BenchmarkFailure("process \(pid) ended") }
        return identity
    }
}

/// What a collector would write of seconds in which a hog starves a victim.
private actor Course {
    private let writer: Writer
    private var episode: Episode
    private let processes: [ProcessActivity]
    private var time: Timestamp

    init(_ database: String, hog: ProcessIdentity, victim: ProcessIdentity, until end: Timestamp) throws {
        writer = try Writer(path: database)
        time = end.advanced(bySeconds: -10)
        episode = Episode(
            id: writer.nextEpisodeID, key: .init(type: .loadMismatch, entity: .host, label: "load_mismatch"),
            opened: time, lastSeen: time, peak: Grade(severity: .high, score: 0.8),
            current: Grade(severity: .high, score: 0.8),
            finding: Finding(
                message: Message(.init(summary: "{0} takes the CPUs"), ["sleep"]), evidence: [],
                culprits: [Culprit(process: hog, comm: "sleep", cgroup: "/", share: 0.95, measure: "CPU time")],
                victims: [
                    Victim(
                        process: victim, comm: "sleep", cgroup: "/", stallMillisecondsPerSecond: 400,
                        stall: "run-queue wait")
                ]))
        processes = [hog, victim].map {
            var activity = ProcessActivity(
                identity: $0, parent: 1, processGroup: $0.pid, session: $0.pid, comm: "sleep")
            activity.scheduling = .init()
            activity.scheduling?.waitNanoseconds = $0 == victim ? 400_000_000 : 0
            return activity
        }
    }

    /// The first ten seconds, at once.
    func begin() throws { for _ in 0..<10 { try second() } }

    /// Goes on until it is cancelled, 40 times as fast as time: faster, and its commits would be most of what EXECUTE's own wait
    /// for.
    func run() async throws {
        while !Task.isCancelled {
            try second()
            try? await Task.sleep(for: .milliseconds(25))
        }
    }

    private func second() throws {
        time = time.advanced(bySeconds: 1)
        episode.lastSeen = time
        writer.submit(
            TickRecord(
                time: time, samples: [MetricSample("pressure.cpu.some", 0.9)], episodes: [episode],
                processes: processes))
        try writer.flush()
    }

    func close() { writer.close() }
}
