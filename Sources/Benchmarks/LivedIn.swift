import ChildProcess
import Foundation

/// What a database of signals lacks to be a host's: components, series, processes, an agent's cycles.
public enum LivedIn {
    /// Lets a collector and an agent run on it for some seconds.
    public static func live(in database: String, progress: (String) -> Void) throws {
        progress("a collector and an agent live in it for a moment")
        let scratch = try Scratch()
        // Without root it has no tracers, and says so.
        let collector = try ChildProcess.collector(on: database, until: "sched_tracer", in: scratch)
        defer { collector.stop() }
        let agent = try ChildProcess.agent(on: database, in: scratch)
        defer { agent.stop() }
        Thread.sleep(forTimeInterval: 8)
        guard collector.isRunning, agent.isRunning else {
            throw BenchmarkFailure("it ended: \(collector.output.suffix(300))\(agent.output.suffix(300))")
        }
    }
}
