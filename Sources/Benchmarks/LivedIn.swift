import ChildProcess
import Foundation
import Glibc

/// What a database of signals lacks to be a host's: components, series, processes, an agent's cycles.
public enum LivedIn {
    /// Lets a collector and an agent run on it for some seconds.
    public static func live(in database: String, progress: (String) -> Void) throws {
        progress("a collector and an agent live in it for a moment")
        let scratch = try Scratch()
        let collector = try ChildProcess(
            "kernelsight-collector", ["--config", "/dev/null", "--database", database, "--run", scratch.url.path],
            in: scratch)
        defer { collector.stop() }
        // Without root it has no tracers, and says so.
        try collector.expect("sched_tracer")
        let agent = try ChildProcess(
            "kernelsight-agent", ["--config", "/dev/null", "--database", database], in: scratch)
        defer { agent.stop() }
        try agent.expect("mode")
        let end = ContinuousClock.now + .seconds(8)
        while ContinuousClock.now < end {
            guard collector.isRunning, agent.isRunning else {
                throw BenchmarkFailure("it ended: \(collector.output.suffix(300))\(agent.output.suffix(300))")
            }
            usleep(100_000)
        }
    }
}
