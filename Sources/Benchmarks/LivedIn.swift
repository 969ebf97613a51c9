import ChildProcess
import Foundation

/// What a database of signals lacks to be a host's: components, series, processes, an agent's cycles.
public enum LivedIn {
    /// Lets a collector and an agent run on each for some seconds, at the same time, so that all have seen the same host.
    public static func live(in databases: [String], progress: (String) -> Void) throws {
        progress("a collector and an agent live in each database for a moment")
        let scratches = try databases.map { _ in try Scratch() }
        var parts: [ChildProcess] = []
        defer { withExtendedLifetime(scratches) { for part in parts { part.stop() } } }
        for (database, scratch) in zip(databases, scratches) {
            // Without root it has no tracers, and says so.
            parts.append(try .collector(on: database, until: "sched_tracer", in: scratch))
            parts.append(try .agent(on: database, in: scratch))
        }
        Thread.sleep(forTimeInterval: 8)
        for part in parts where !part.isRunning {
            throw BenchmarkFailure("it ended: \(part.output.suffix(300))")
        }
    }
}
