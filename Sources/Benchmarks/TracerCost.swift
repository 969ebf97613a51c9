import ChildProcess
import Foundation

/// What a tracer adds to a system call and a context switch, beside what a bpftrace one-liner for the same question adds; and to a
/// page fault and a read. Each round runs bare, with the tracer and with bpftrace, one after the other, on one pinned CPU.
public enum TracerCost {
    static let syscallLine =
        "tracepoint:raw_syscalls:sys_enter { @s[tid]=nsecs } tracepoint:raw_syscalls:sys_exit /@s[tid]/ "
        + "{ @h[args->id]=hist(nsecs-@s[tid]); delete(@s[tid]) }"
    static let switchLine =
        "tracepoint:sched:sched_wakeup { @w[args->pid]=nsecs } tracepoint:sched:sched_switch "
        + "{ if (@w[args->next_pid]) { @q=hist(nsecs-@w[args->next_pid]); delete(@w[args->next_pid]) } "
        + "if (@on[args->prev_pid]) { @c=hist(nsecs-@on[args->prev_pid]); delete(@on[args->prev_pid]) } "
        + "@on[args->next_pid]=nsecs }"

    /// All of them, and each tracer's share under a load of its own; needs root, fio, bpftrace, and the tracefs that that reads.
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
            added(
                "page fault", tracer: "page_fault_tracer", rounds: rounds, progress: progress,
                measure: { try workload("faults", seconds: seconds, $0) }),
            added(
                "read of 4 KiB from the disk", tracer: "io_latency_tracer", rounds: rounds, progress: progress,
                measure: { try directReads(seconds: seconds, $0) }),
        ] + TracerShares.run(seconds: max(seconds, 5), progress)
    }

    /// Nanoseconds that a turn of a loop takes.
    private static func workload(_ name: String, seconds: Double, _ scratch: Scratch) throws -> Double {
        let text = try ChildProcess.run("bench-workload", [name, "1", "\(seconds)"], in: scratch)
        guard let cost = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw BenchmarkFailure("bench-workload printed \(text)")
        }
        return cost
    }

    /// Nanoseconds that a direct read takes, one after the other.
    private static func directReads(seconds: Double, _ scratch: Scratch) throws -> Double {
        let text = try ChildProcess.run(
            "fio",
            TracerShares.directReads(in: scratch, seconds: seconds) + ["--output-format=terse", "--terse-version=3"],
            in: scratch)
        // Field 8 of a line of version 3 is the reads a second.
        let fields = (text.split(separator: "\n").last ?? "").split(separator: ";", omittingEmptySubsequences: false)
        guard fields.count > 7, let perSecond = Double(fields[7]), perSecond > 0 else {
            throw BenchmarkFailure("fio printed \(text.suffix(300))")
        }
        return 1e9 / perSecond
    }

    /// Starts a collector with one tracer, which the governor would take away, and waits until that is attached.
    private static func traced<Result>(
        _ tracer: String, _ scratch: Scratch, _ body: () throws -> Result
    ) throws -> Result {
        let collector = try ChildProcess.collector(
            on: scratch.path("bench.db"),
            config: "tracers: { enabled: [\(tracer)] }\noverhead: { budget_percent: 100 }\n",
            until: "\(tracer): attached", in: scratch)
        defer { collector.stop() }
        return try body()
    }

    private static func bpftraced<Result>(
        _ line: String, _ scratch: Scratch, _ body: () throws -> Result
    ) throws -> Result {
        let bpftrace = try ChildProcess("bpftrace", ["-e", line], in: scratch)
        defer { bpftrace.stop() }
        try bpftrace.expect("Attaching")
        // It says so before it does so; its maps exist a moment later.
        Thread.sleep(forTimeInterval: 2)
        return try body()
    }

    private static func compare(
        _ name: String, workload load: String, tracer: String, line: String, bar: Double, rounds: Int, seconds: Double,
        progress: (String) -> Void
    ) throws -> Figure {
        let scratch = try Scratch()
        func measure() throws -> Double { try workload(load, seconds: seconds, scratch) }
        var bare: [Double] = []
        var ours: [Double] = []
        var theirs: [Double] = []
        for round in 1...max(rounds, 1) {
            progress("\(name), round \(round) of \(rounds)")
            bare.append(try measure())
            ours.append(try traced(tracer, scratch, measure))
            theirs.append(try bpftraced(line, scratch, measure))
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

    /// What a tracer adds, without anything to compare it with.
    private static func added(
        _ name: String, tracer: String, rounds: Int, progress: (String) -> Void, measure: (Scratch) throws -> Double
    ) throws -> Figure {
        let scratch = try Scratch()
        let pairs = try (1...max(rounds, 1)).map { round in
            progress("\(name), round \(round) of \(rounds)")
            return (bare: try measure(scratch), traced: try traced(tracer, scratch) { try measure(scratch) })
        }
        let more = Samples(pairs.map { $0.traced - $0.bare })
        return Figure(
            "\(name): added by \(tracer)", more.median, "ns", rounds: pairs.map { $0.traced - $0.bare },
            detail: "bare \(short(Samples(pairs.map(\.bare)).median)) ns, \(short(more.minimum)) to "
                + "\(short(more.maximum)) in \(rounds) rounds")
    }
}
