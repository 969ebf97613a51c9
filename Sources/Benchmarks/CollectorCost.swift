import ChildProcess
import Foundation
import Glibc

/// What the whole collector costs: on an idle host, on a busy one, and in a storm that is worth far more than its budget.
public enum CollectorCost {
    /// Budget of the default configuration, in percent of the host.
    private static let budget = 1.0

    /// - Parameter seconds: for how long each load is measured; run it on an otherwise idle host.
    public static func run(seconds: Double, progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.path("bench.db")
        let collector = try ChildProcess(
            "kernelsight-collector", ["--config", "/dev/null", "--database", database, "--run", scratch.url.path],
            in: scratch)
        defer { collector.stop() }
        try collector.expect("attached")
        progress("the collector settles")
        pass(10)
        let account = try OwnAccount(database: database)
        return try idle(collector, account, seconds: seconds, progress)
            + busy(account, seconds: seconds, scratch, progress)
            + storm(account, seconds: seconds, scratch, progress)
    }

    private static func idle(
        _ collector: ChildProcess, _ account: OwnAccount, seconds: Double, _ progress: (String) -> Void
    ) throws -> [Figure] {
        progress("an idle host, \(Int(seconds)) s")
        let before = try ProcessFigures.cpuSeconds(of: collector.pid)
        let idleBefore = try idleSeconds()
        pass(seconds)
        let percent = 100 * (try ProcessFigures.cpuSeconds(of: collector.pid) - before) / seconds
        let cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let busy = 1 - (try idleSeconds() - idleBefore) / seconds / cores
        return [
            Figure(
                "collector: CPU, idle host", percent, "% of one core", bar: .atMost(1),
                detail: "over \(Int(seconds)) s; the whole host was \(short(100 * busy)) % busy"),
            Figure(
                "collector: resident memory", try ProcessFigures.residentMegabytes(of: collector.pid), "MiB",
                bar: .atMost(25), detail: "after \(Int(seconds) + 10) s"),
            Figure(
                "kernel memory of all maps", try account.mapBytes() / 1048576, "MiB", bar: .atMost(3),
                detail: "\(Int(cores)) cores, four tracers, defaults"),
        ]
    }

    /// 100 000 system calls and as many switches a second.
    private static func busy(
        _ account: OwnAccount, seconds: Double, _ scratch: Scratch, _ progress: (String) -> Void
    ) throws -> [Figure] {
        progress("100 000 calls and 100 000 switches a second, \(Int(seconds)) s")
        let loads = try [("syscalls", 0), ("switches", 1)].map { name, cpu in
            try ChildProcess(
                "bench-workload", [name, "\(cpu)", "\(seconds + 30)", "100000"], in: scratch)
        }
        defer { for load in loads { load.stop() } }
        pass(10)
        let costs = try follow(account, seconds: seconds)
        return [
            Figure(
                "collector and hooks: 100 000 calls and 100 000 switches a second", mean(costs.map(\.percent)),
                "% of the host", bar: .atMost(2), rounds: costs.map(\.percent),
                detail:
                    "\(costs.last?.lowered ?? 0) tracers look at less; by its own account, which counts each run of a hook"
            )
        ]
    }

    /// As many calls and switches as the host can make.
    private static func storm(
        _ account: OwnAccount, seconds: Double, _ scratch: Scratch, _ progress: (String) -> Void
    ) throws -> [Figure] {
        progress("a storm, \(Int(seconds)) s")
        let workloads = [("syscalls", 0), ("syscalls", 1), ("switches", 0), ("switches", 1)]
        let loads = try workloads.map { name, cpu in
            try ChildProcess("bench-workload", [name, "\(cpu)", "\(seconds + 30)"], in: scratch)
        }
        let costs = try follow(account, seconds: max(seconds, 20))
        for load in loads { load.stop() }
        let over = costs.last { $0.percent > budget }?.at
        let after = costs.filter { $0.at > over ?? 0 }.map(\.percent)
        progress("calm")
        let calm = ContinuousClock.now
        while try account.now().lowered > 0 {
            guard ContinuousClock.now < calm + .seconds(300) else {
                throw BenchmarkFailure("the tracers do not come back")
            }
            pass(0.2)
        }
        let whole = (ContinuousClock.now - calm).milliseconds / 1000
        return [
            Figure(
                "governor: a storm is within the budget after", over ?? 0, "s", bar: .atMost(10),
                detail:
                    "worst \(short(costs.map(\.percent).max() ?? 0)) % of the host, \(short(mean(after))) afterwards, "
                    + "\(costs.last?.lowered ?? 0) tracers look at less; budget \(short(budget)) %"),
            Figure(
                "governor: everything is measured again after calm", whole, "s", bar: .atMost(60),
                detail: "the storm lasted \(Int(max(seconds, 20))) s"),
        ]
    }

    /// What it said in each of so many seconds, and when.
    private static func follow(
        _ account: OwnAccount, seconds: Double
    ) throws -> [(at: Double, percent: Double, lowered: Int)] {
        let start = ContinuousClock.now
        return try (0..<Int(seconds)).map { _ in
            pass(1)
            let now = try account.now()
            return ((ContinuousClock.now - start).milliseconds / 1000, now.percent, now.lowered)
        }
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }

    private static func pass(_ seconds: Double) {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline { usleep(50_000) }
    }

    /// Idle seconds of all cores together, from /proc/stat.
    private static func idleSeconds() throws -> Double {
        let text = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap { Double($0) }
        guard fields.count > 4 else { throw BenchmarkFailure("/proc/stat makes no sense") }
        return (fields[3] + fields[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
