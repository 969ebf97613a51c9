import ChildProcess
import Foundation
import Glibc
import Model

/// What the whole collector costs: on an idle host, on a busy one, and in a storm that is worth far more than its budget.
public enum CollectorCost {
    /// Budget of the default configuration, in percent of the host.
    private static let budget = 1.0

    /// - Parameter seconds: for how long each load is measured; run it on an otherwise idle host.
    public static func run(seconds: Double, progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let (collector, account) = try start("bench", budget: budget, scratch)
        var figures: [Figure] = []
        do {
            defer { collector.stop() }
            progress("the collector settles")
            Thread.sleep(forTimeInterval: 10)
            figures += try idle(collector, account, seconds: seconds, progress)
            figures.append(
                try busy(.yields, "default budget", .atMost(budget), account, seconds, scratch, progress))
            try calm(account, progress)
            figures += try storm(account, seconds: seconds, scratch, progress)
        }
        let (unbound, itsAccount) = try start("unbound", budget: 100, scratch)
        defer { unbound.stop() }
        Thread.sleep(forTimeInterval: 5)
        return try figures + [
            busy(.yields, "measured whole", .atMost(2), itsAccount, seconds, scratch, progress),
            busy(.switches, "measured whole", nil, itsAccount, seconds, scratch, progress),
        ]
    }

    /// - Parameter budget: in percent of the host.
    private static func start(
        _ name: String, budget: Double, _ scratch: Scratch
    ) throws -> (ChildProcess, OwnAccount) {
        let database = scratch.path("\(name).db")
        let collector = try ChildProcess.collector(
            on: database, config: "overhead: { budget_percent: \(budget) }\n", in: scratch)
        return (collector, try OwnAccount(database: database))
    }

    private static func idle(
        _ collector: ChildProcess, _ account: OwnAccount, seconds: Double, _ progress: (String) -> Void
    ) throws -> [Figure] {
        progress("an idle host, \(Int(seconds)) s")
        let before = try ProcessFigures.cpuSeconds(of: collector.pid)
        let idleBefore = try HostFigures.idleSeconds()
        let costs = try follow(account, seconds: seconds).map(\.percent)
        let percent = 100 * (try ProcessFigures.cpuSeconds(of: collector.pid) - before) / seconds
        let cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let busy = 1 - (try HostFigures.idleSeconds() - idleBefore) / seconds / cores
        return [
            Figure(
                "collector and hooks: idle host", mean(costs), "% of the host", bar: .atMost(0.5), rounds: costs,
                detail: "over \(Int(seconds)) s, by its own account; the whole host was \(short(100 * busy)) % busy"),
            Figure(
                "collector: CPU, idle host", percent, "% of one core", bar: .atMost(1),
                detail: "without the hooks, by the kernel's account"),
            Figure(
                "collector: resident memory", try ProcessFigures.residentMegabytes(of: collector.pid), "MiB",
                bar: .atMost(25), detail: "after \(Int(seconds) + 10) s"),
            Figure(
                "kernel memory of all maps", try account.mapBytes() / 1048576, "MiB", bar: .atMost(3),
                detail: "\(Int(cores)) cores, four tracers, defaults"),
        ]
    }

    /// 100 000 switches a second. Of two threads that yield to each other each call is one; through pipes there are wake-ups as
    /// well, and two calls for each.
    private enum Switching: String {
        case yields, switches

        var name: String {
            self == .yields ? "100 000 calls and switches a second" : "100 000 switches through pipes, 200 000 calls"
        }
    }

    private static func busy(
        _ load: Switching, _ how: String, _ bar: Figure.Bar?, _ account: OwnAccount, _ seconds: Double,
        _ scratch: Scratch, _ progress: (String) -> Void
    ) throws -> Figure {
        progress("\(load.name), \(how), \(Int(seconds)) s")
        let workload = try ChildProcess(
            "bench-workload", [load.rawValue, "1", "\(seconds + 30)", "100000"], in: scratch)
        defer { workload.stop() }
        Thread.sleep(forTimeInterval: 10)
        let switches = try HostFigures.contextSwitches()
        let start = ContinuousClock.now
        let costs = try follow(account, seconds: seconds)
        let rate =
            (try HostFigures.contextSwitches() - switches) * 1000 / (ContinuousClock.now - start).milliseconds
        guard workload.isRunning, rate > 90_000 else {
            throw BenchmarkFailure("the host made \(short(rate)) switches a second: \(workload.output)")
        }
        return Figure(
            "collector and hooks: \(load.name), \(how)", mean(costs.map(\.percent)), "% of the host", bar: bar,
            rounds: costs.map(\.percent),
            detail:
                "\(short(rate)) switches a second; \(costs.last?.lowered ?? 0) tracers look at less; by its own account, "
                + "which counts each run of a hook")
    }

    /// As many calls and switches as the host can make.
    private static func storm(
        _ account: OwnAccount, seconds: Double, _ scratch: Scratch, _ progress: (String) -> Void
    ) throws -> [Figure] {
        progress("a storm, \(Int(seconds)) s")
        let cpus = 0..<Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let loads = try cpus.flatMap { [("syscalls", $0), ("switches", $0)] }.map { name, cpu in
            try ChildProcess("bench-workload", [name, "\(cpu)", "\(seconds + 30)"], in: scratch)
        }
        let start = Timestamp.now
        let costs = try follow(account, seconds: max(seconds, 20), atLeast: 0)
        for load in loads { load.stop() }
        let whole = try calm(account, progress)
        // Its commits may wait for the host's storage; its steps say when they were taken.
        let last = [costs.last { $0.percent > budget }?.time, try account.lastStepDown(after: start)].compactMap(\.self)
            .max()
        guard let last else { throw BenchmarkFailure("the storm was within the budget from the start") }
        let after = costs.filter { $0.time > last }.map(\.percent)
        return [
            Figure(
                "governor: a storm is within the budget after", last.seconds(since: start), "s", bar: .atMost(10),
                detail:
                    "the last second over it, or step down; worst \(short(costs.map(\.percent).max() ?? .nan)) % of the host, "
                    + "\(short(mean(after))) afterwards, budget \(short(budget)) %"),
            Figure(
                "governor: everything is measured again after calm", whole, "s", bar: .atMost(60),
                detail: "the storm lasted \(Int(max(seconds, 20))) s"),
        ]
    }

    /// Waits until every tracer measures everything; returns how long that took.
    @discardableResult
    private static func calm(_ account: OwnAccount, _ progress: (String) -> Void) throws -> Double {
        progress("calm")
        let start = Timestamp.now
        while true {
            let now = try account.now()
            if now.time > start, now.lowered == 0 { return now.time.seconds(since: start) }
            guard Timestamp.now.seconds(since: start) < 300 else {
                throw BenchmarkFailure("the tracers do not come back")
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    /// What it said of the seconds from now on, as far as that was committed in time.
    private static func follow(
        _ account: OwnAccount, seconds: Double, atLeast share: Double = 0.5
    ) throws -> [OwnAccount.Second] {
        let start = Timestamp.now
        var said: [OwnAccount.Second] = []
        for _ in 0..<Int(2 * seconds) {
            Thread.sleep(forTimeInterval: 0.5)
            let now = try account.now()
            if now.time > said.last?.time ?? start { said.append(now) }
        }
        guard Double(said.count) >= share * seconds else {
            throw BenchmarkFailure("only \(said.count) of \(Int(seconds)) seconds were committed in time")
        }
        return said
    }

    private static func mean(_ values: [Double]) -> Double {
        values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
    }
}
