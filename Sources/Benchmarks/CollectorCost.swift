import ChildProcess
import Foundation
import Glibc

/// What the whole collector costs while nobody asks anything of the host.
public enum CollectorCost {
    /// CPU time and memory of a collector with all tracers, over `seconds`; run it on an otherwise idle host.
    public static func run(seconds: Double, progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let collector = try ChildProcess(
            "kernelsight-collector",
            ["--config", "/dev/null", "--database", scratch.file("bench.db").path, "--run", scratch.url.path],
            in: scratch)
        defer { collector.stop() }
        try collector.expect("attached")
        progress("collector settles")
        try pass(10)
        progress("collector is measured for \(Int(seconds)) s")
        let before = try ProcessFigures.cpuSeconds(of: collector.pid)
        let idleBefore = try idleShare()
        try pass(seconds)
        let percent = 100 * (try ProcessFigures.cpuSeconds(of: collector.pid) - before) / seconds
        let busy = 1 - (try idleShare() - idleBefore) / seconds / Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return [
            Figure(
                "collector: CPU, idle host", percent, "% of one core", bar: .atMost(1),
                detail: "over \(Int(seconds)) s; the whole host was \(short(100 * busy)) % busy"),
            Figure(
                "collector: resident memory", try ProcessFigures.residentMegabytes(of: collector.pid), "MiB",
                bar: .atMost(25), detail: "after \(Int(seconds) + 10) s"),
        ]
    }

    private static func pass(_ seconds: Double) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline { usleep(100_000) }
    }

    /// Idle seconds of all cores together, from /proc/stat.
    private static func idleShare() throws -> Double {
        let text = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap { Double($0) }
        guard fields.count > 4 else { throw BenchmarkFailure("/proc/stat makes no sense") }
        return (fields[3] + fields[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
