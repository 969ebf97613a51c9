import ChildProcess
import Foundation
import Glibc
import Model

/// Memory of all parts together, while they work and users look.
public enum MemoryUse {
    /// Runs collector, agent and two workers for `minutes`. For a second of every ten, ten connections ask the workers all
    /// endpoints as fast as they answer, without a cache between; each minute everything is looked at.
    public static func run(minutes: Int, port: Int = 18_094, progress: (String) -> Void) throws -> [Figure] {
        let scratch = try Scratch()
        let database = scratch.path("kernelsight.db")
        let collector = try ChildProcess.collector(on: database, in: scratch)
        defer { collector.stop() }
        let began = Timestamp.now
        let agent = try ChildProcess.agent(on: database, in: scratch)
        defer { agent.stop() }
        let users = try UserStack(database: database, port: port, cache: false, scratch: scratch)
        defer { users.stop() }
        let parts: [(name: String, pids: [pid_t])] = [
            ("collector", [collector.pid]), ("agent", [agent.pid]), ("two workers", users.workers.map(\.pid)),
        ]
        var course: [(minute: Double, all: Double)] = []
        var last: [Double] = []
        let script = try scratch.script("asked.lua", paths: UserStack.paths)
        let start = ContinuousClock.now
        for minute in 1...minutes {
            while ContinuousClock.now < start + .seconds(60 * minute) {
                _ = try users.load(script, connections: 10, seconds: 1)
                Thread.sleep(forTimeInterval: 9)
            }
            last = try parts.map { try $0.pids.reduce(0) { $0 + (try ProcessFigures.proportionalMegabytes(of: $1)) } }
            course.append((Double(minute), last.reduce(0, +)))
            progress(
                "minute \(minute) of \(minutes): "
                    + zip(parts, last).map { "\($0.name) \(short($1))" }.joined(separator: ", ") + " MiB")
        }
        let later = course.filter { $0.minute > Double(minutes) / 3 }
        return zip(parts, last).map { part, megabytes in
            Figure("memory: \(part.name), PSS", megabytes, "MiB", detail: "after \(minutes) min of load")
        } + [
            Figure(
                "memory: collector, agent and two workers, PSS", last.reduce(0, +), "MiB", bar: .atMost(60),
                rounds: later.map(\.all), detail: "after \(minutes) min of load; seed 250"),
            Figure(
                // Of less than an hour a line says nothing.
                "memory: growth in an hour", 60 * slope(later), "MiB", bar: minutes < 60 ? nil : .atMost(0.1),
                detail: "a line through the last \(later.count) minutes"),
            Figure(
                "memory: maps in the kernel", try OwnAccount(database: database).mapBytes() / 1048576, "MiB",
                detail: "of all tracers, with what each thread has; seed 5"),
        ] + (try SeriesSize.figures(database: database, from: began))
    }

    /// Least squares, per minute.
    private static func slope(_ course: [(minute: Double, all: Double)]) -> Double {
        let count = Double(max(course.count, 1))
        let (x, y) = (
            course.reduce(0) { $0 + $1.minute } / count, course.reduce(0) { $0 + $1.all } / count
        )
        let spread = course.reduce(0) { $0 + ($1.minute - x) * ($1.minute - x) }
        return spread == 0 ? .nan : course.reduce(0) { $0 + ($1.minute - x) * ($1.all - y) } / spread
    }
}
