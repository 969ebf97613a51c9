import ChildProcess
import Foundation
import Glibc

/// How long users wait: the product's own nginx with its cache, two workers, and connections that ask all endpoints in turn as
/// fast as answers come, which is far more than people do.
public enum UserLoad {
    /// Connections, the goal for the 99th percentile in milliseconds, and what the first promise said.
    private static let users: [(count: Int, goal: Double, seed: String)] = [
        (1, 2, "20"), (5, 2, "20"), (10, 3, "50"), (20, 3, "50"), (50, 5, "200"),
    ]
    private static let many = 500

    /// - Parameter database: filled before, see `DemoData`; it is read only.
    public static func run(
        database: String, rounds: Int, seconds: Int, port: Int = 18_092, progress: (String) -> Void
    ) throws -> [Figure] {
        let scratch = try Scratch()
        let stack = try UserStack(database: database, port: port, scratch: scratch)
        defer { stack.stop() }
        let files = try UserStack.paths.enumerated().map { try stack.saveReply(of: $1, as: "reply\($0).json") }
        let asked = try scratch.script("asked.lua", paths: UserStack.paths)
        let filed = try scratch.script("filed.lua", paths: files)
        // Health is never kept, and always a worker's.
        let kept = try scratch.script("kept.lua", paths: Array(UserStack.paths.dropFirst()))
        let keptFiles = try scratch.script("keptfiles.lua", paths: Array(files.dropFirst()))

        var figures: [Figure] = []
        for (count, goal, seed) in users {
            let idle = try HostFigures.idleSeconds()
            let start = ContinuousClock.now
            let answers = try (1...max(rounds, 1)).map { round in
                progress("\(count) users, round \(round) of \(rounds)")
                return try stack.load(asked, connections: count, seconds: seconds)
            }
            let cores = (ContinuousClock.now - start).milliseconds / 1000 * Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            let busy = 1 - (try HostFigures.idleSeconds() - idle) / cores
            figures.append(
                Figure(
                    "\(count) users, all endpoints through nginx: p99", Samples(answers.map(\.p99)).median, "ms",
                    bar: .atMost(goal), rounds: answers.map(\.p99),
                    detail: "\(short(Samples(answers.map(\.perSecond)).median)) requests/s as fast as they can, "
                        + "\(short(100 * busy)) % of the host, wrk's part included; seed \(seed) ms"))
        }
        func slower(_ name: String, _ asked: String, _ filed: String, bar: Figure.Bar?) throws -> Figure {
            let pairs = try (1...max(rounds, 1)).map { round in
                progress("\(name) and the same bytes from files, round \(round) of \(rounds)")
                return (
                    asked: try stack.load(asked, connections: many, seconds: seconds).p99,
                    filed: try stack.load(filed, connections: many, seconds: seconds).p99
                )
            }
            let ratios = pairs.map { $0.asked / $0.filed }
            return Figure(
                "\(name): p99 ÷ nginx with the same bytes in files", Samples(ratios).median, "", bar: bar,
                rounds: ratios,
                detail: "\(short(Samples(pairs.map(\.asked)).median)) ms against "
                    + "\(short(Samples(pairs.map(\.filed)).median)), no error")
        }
        figures.append(try slower("\(many) users", asked, filed, bar: .atMost(1.5)))
        figures.append(try slower("\(many) users, without health", kept, keptFiles, bar: nil))
        figures.append(try openLoop(port: port, seconds: seconds, progress))
        let cached = try (1...max(rounds, 1)).map { round in
            progress("cached replies and files, round \(round) of \(rounds)")
            return (
                asked: try stack.load(kept, connections: 50, seconds: seconds),
                filed: try stack.load(keptFiles, connections: 50, seconds: seconds)
            )
        }
        let faster = cached.map { $0.asked.perSecond / $0.filed.perSecond }
        figures.append(
            Figure(
                "requests/s through nginx's cache ÷ the same bytes in files, 50 connections", Samples(faster).median,
                "",
                bar: .atLeast(0.8), rounds: faster,
                detail: "\(short(Samples(cached.map(\.asked.perSecond)).median)) against "
                    + "\(short(Samples(cached.map(\.filed.perSecond)).median)); without health, which is never kept"))
        return figures
    }

    private static func openLoop(port: Int, seconds: Int, _ progress: (String) -> Void) throws -> Figure {
        progress("\(many) requests a second, whatever the answers take")
        let times = try OpenLoop.run(port: port, paths: UserStack.paths, rate: many, seconds: 4 * seconds)
        return Figure(
            "\(many) requests a second, open loop: p99", times[times.count * 99 / 100], "ms", bar: .atMost(20),
            detail: "from when each was due; worst \(short(times.last ?? .nan)) ms of \(times.count), no error")
    }
}
