import ChildProcess
import Foundation
import Glibc

/// What each tracer takes of the host under a load of its own, while all run.
enum TracerShares {
    /// What was promised for each tracer: percent of the host and MB, on a production load. Here that is a rate, beside the promise of
    /// how many events it may send.
    private static let promises: [(tracer: String, load: String, perSecond: Int, percent: Double, megabytes: Double)] =
        [
            ("syscall_tracer", "syscalls", 20_000, 1, 2), ("sched_tracer", "switches", 10_000, 0.5, 1),
            ("page_fault_tracer", "faults", 5000, 0.3, 1), ("io_latency_tracer", "fio", 1000, 0.2, 0.5),
        ]

    /// Each tracer's part while all run, each under its own load.
    static func run(seconds: Double, _ progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.path("bench.db")
        let collector = try ChildProcess.collector(on: database, in: scratch)
        defer { collector.stop() }
        Thread.sleep(forTimeInterval: 5)
        let account = try OwnAccount(database: database)
        var all = (percent: 0.0, megabytes: 0.0, events: 0.0)
        let figures = try promises.flatMap { promise in
            progress("\(promise.tracer) at \(promise.perSecond) \(promise.load) a second")
            let load = try start(promise.load, perSecond: promise.perSecond, seconds: seconds + 10, scratch)
            defer { load.stop() }
            Thread.sleep(forTimeInterval: 3)
            let shares = try (0..<Int(seconds)).map { _ in
                Thread.sleep(forTimeInterval: 1)
                return try account.percent(of: promise.tracer)
            }
            guard load.isRunning else { throw BenchmarkFailure("\(promise.load) ended: \(load.output.suffix(300))") }
            let (bytes, events) = try account.limits(of: promise.tracer)
            all = (
                all.percent + Samples(shares).median, all.megabytes + bytes / 1e6, all.events + events
            )
            return [
                Figure(
                    "\(promise.tracer): CPU at \(promise.perSecond) \(promise.load) a second", Samples(shares).median,
                    "% of the host", bar: .atMost(promise.percent), rounds: shares,
                    detail: "by its own account of each run; up to \(short(events)) events a second are sent"),
                Figure(
                    "\(promise.tracer): kernel memory", bytes / 1e6, "MB", bar: .atMost(promise.megabytes),
                    detail:
                        "maps and ring buffer, on this machine's CPUs; each thread has 0.6 kB beside, for all tracers together"
                ),
            ]
        }
        return figures + [
            Figure(
                "all tracers: CPU, each under its load", all.percent, "% of the host", bar: .atMost(2),
                detail: "the sum; up to \(short(all.events)) events a second are sent, seed 1800"),
            Figure("all tracers: kernel memory", all.megabytes, "MB", bar: .atMost(5), detail: "the sum"),
        ]
    }

    private static func start(
        _ load: String, perSecond: Int, seconds: Double, _ scratch: Scratch
    ) throws -> ChildProcess {
        guard load == "fio" else {
            return try ChildProcess("bench-workload", [load, "1", "\(seconds)", "\(perSecond)"], in: scratch)
        }
        return try ChildProcess(
            "fio", directReads(in: scratch, seconds: seconds) + ["--rate_iops=\(perSecond)"], in: scratch)
    }

    /// What makes fio read at random from a file, past the page cache.
    static func directReads(in scratch: Scratch, seconds: Double) -> [String] {
        [
            "--name=bench", "--filename=\(scratch.path("fio"))", "--size=64m", "--rw=randread", "--bs=4k", "--direct=1",
            "--time_based", "--runtime=\(Int(seconds))",
        ]
    }
}
