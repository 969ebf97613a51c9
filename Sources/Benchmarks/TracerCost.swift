import ChildProcess
import Foundation
import Glibc

/// What a tracer adds to one system call or one context switch, beside what a bpftrace one-liner for the same question
/// adds. Each round runs bare, with the tracer and with bpftrace, one after the other, on one pinned CPU.
public enum TracerCost {
    static let syscallLine =
        "tracepoint:raw_syscalls:sys_enter { @s[tid]=nsecs } tracepoint:raw_syscalls:sys_exit /@s[tid]/ "
        + "{ @h[args->id]=hist(nsecs-@s[tid]); delete(@s[tid]) }"
    static let switchLine =
        "tracepoint:sched:sched_wakeup { @w[args->pid]=nsecs } tracepoint:sched:sched_switch "
        + "{ if (@w[args->next_pid]) { @q=hist(nsecs-@w[args->next_pid]); delete(@w[args->next_pid]) } "
        + "if (@on[args->prev_pid]) { @c=hist(nsecs-@on[args->prev_pid]); delete(@on[args->prev_pid]) } "
        + "@on[args->next_pid]=nsecs }"

    /// Both comparisons; needs root, bpftrace, and the tracefs that bpftrace reads.
    public static func run(rounds: Int, seconds: Double, progress: (String) -> Void) throws -> [Figure] {
        let tracefs = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
        guard tracefs.contains(where: { access("\($0)/events/raw_syscalls", F_OK) == 0 }) else {
            throw BenchmarkFailure(
                "bpftrace needs tracefs; as root: mount -t tracefs tracefs /sys/kernel/tracing")
        }
        return try [
            compare(
                "system call", workload: "syscalls", tracer: "syscall_tracer", line: syscallLine, bar: 0.5,
                rounds: rounds, seconds: seconds, progress: progress),
            compare(
                "context switch", workload: "switches", tracer: "sched_tracer", line: switchLine, bar: 0.4,
                rounds: rounds, seconds: seconds, progress: progress),
        ] + shares(seconds: max(seconds, 5), progress)
    }

    /// What was promised for each tracer: percent of the host and MB, on a production load. Here that is a rate, beside the promise of
    /// how many events it may send.
    private static let promises: [(tracer: String, load: String, perSecond: Int, percent: Double, megabytes: Double)] =
        [
            ("syscall_tracer", "syscalls", 20_000, 1, 2), ("sched_tracer", "switches", 10_000, 0.5, 1),
            ("page_fault_tracer", "faults", 5000, 0.3, 1), ("io_latency_tracer", "fio", 1000, 0.2, 0.5),
        ]

    /// Each tracer's part while all run, each under its own load.
    private static func shares(seconds: Double, _ progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.path("bench.db")
        let collector = try ChildProcess(
            "kernelsight-collector", ["--config", "/dev/null", "--database", database, "--run", scratch.url.path],
            in: scratch)
        defer { collector.stop() }
        try collector.expect("attached")
        for _ in 0..<5 { sleep(1) }
        let account = try OwnAccount(database: database)
        return try promises.flatMap { promise in
            progress("\(promise.tracer) at \(promise.perSecond) \(promise.load) a second")
            let load = try start(promise.load, perSecond: promise.perSecond, seconds: seconds + 10, scratch)
            defer { load.stop() }
            for _ in 0..<3 { sleep(1) }
            let shares = try (0..<Int(seconds)).map { _ in
                sleep(1)
                return try account.percent(of: promise.tracer)
            }
            guard load.isRunning else { throw BenchmarkFailure("\(promise.load) ended: \(load.output.suffix(300))") }
            let (bytes, events) = try account.limits(of: promise.tracer)
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
    }

    private static func start(
        _ load: String, perSecond: Int, seconds: Double, _ scratch: Scratch
    ) throws -> ChildProcess {
        guard load == "fio" else {
            return try ChildProcess("bench-workload", [load, "1", "\(seconds)", "\(perSecond)"], in: scratch)
        }
        return try ChildProcess(
            "fio",
            [
                "--name=bench", "--filename=\(scratch.path("fio"))", "--size=64m", "--rw=randread", "--bs=4k",
                "--direct=1",
                "--rate_iops=\(perSecond)", "--time_based", "--runtime=\(Int(seconds))",
            ], in: scratch)
    }

    private static func compare(
        _ name: String, workload: String, tracer: String, line: String, bar: Double, rounds: Int, seconds: Double,
        progress: (String) -> Void
    ) throws -> Figure {
        let scratch = try Scratch()
        func measure() throws -> Double {
            let text = try ChildProcess.run("bench-workload", [workload, "1", "\(seconds)"], in: scratch)
            guard let cost = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw BenchmarkFailure("bench-workload printed \(text)")
            }
            return cost
        }
        func traced() throws -> Double {
            let config = scratch.file("config.yaml")
            // The governor would take it away.
            try "tracers: { enabled: [\(tracer)] }\noverhead: { budget_percent: 100 }\n".write(
                to: config, atomically: true, encoding: .utf8)
            let collector = try ChildProcess(
                "kernelsight-collector",
                [
                    "--config", config.path, "--database", scratch.file("bench.db").path, "--run", scratch.url.path,
                ], in: scratch)
            defer { collector.stop() }
            try collector.expect("\(tracer): attached")
            return try measure()
        }
        func bpftraced() throws -> Double {
            let bpftrace = try ChildProcess("bpftrace", ["-e", line], in: scratch)
            defer { bpftrace.stop() }
            try bpftrace.expect("Attaching")
            // It says so before it does so; its maps exist a moment later.
            let deadline = ContinuousClock.now + .seconds(2)
            while ContinuousClock.now < deadline { usleep(50_000) }
            return try measure()
        }

        var bare: [Double] = []
        var ours: [Double] = []
        var theirs: [Double] = []
        for round in 1...max(rounds, 1) {
            progress("\(name), round \(round) of \(rounds)")
            bare.append(try measure())
            ours.append(try traced())
            theirs.append(try bpftraced())
        }
        // Within a round: from one to the next, the machine's own speed changes by more than that.
        let differences = zip(ours, bare).map { $0 - $1 }
        let references = zip(theirs, bare).map { $0 - $1 }
        let (added, reference) = (Samples(differences), Samples(references))
        let isLost = added.median <= 0 || reference.median <= 0
        return Figure(
            "\(name): added by \(tracer) ÷ added by bpftrace", isLost ? .nan : added.median / reference.median, "",
            bar: .atMost(bar), rounds: isLost ? [] : zip(differences, references).map { $0 / $1 },
            detail: "bare \(short(Samples(bare).median)) ns, +\(short(added.median)) ns "
                + "(\(short(added.minimum)) to \(short(added.maximum))) against +\(short(reference.median)) ns, "
                + "\(rounds) rounds\(isLost ? "; lost in the noise, nothing was measured" : "")")
    }
}
