import ChildProcess
import Foundation
import Glibc
import Model

/// How long users wait: the product's own nginx with its cache, two workers, and connections that ask all endpoints in turn as
/// fast as answers come, which is far more than people do.
public enum UserLoad {
    private static let endpoints = [
        "/api/health", "/api/stats", "/api/signals?limit=20&lookback_minutes=1440", "/api/agent/status",
        "/api/diagnostics",
    ]
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
        let stack = try Stack(database: database, port: port, scratch: scratch)
        defer { stack.stop() }
        let files = try endpoints.enumerated().map { try stack.saveReply(of: $1, as: "reply\($0).json") }
        let asked = try scratch.script("asked.lua", paths: endpoints)
        let filed = try scratch.script("filed.lua", paths: files)

        var figures: [Figure] = []
        for (count, goal, seed) in users {
            let answers = try (1...max(rounds, 1)).map { round in
                progress("\(count) users, round \(round) of \(rounds)")
                return try stack.load(asked, connections: count, seconds: seconds)
            }
            figures.append(
                Figure(
                    "\(count) users, all endpoints through nginx: p99", Samples(answers.map(\.p99)).median, "ms",
                    bar: .atMost(goal), rounds: answers.map(\.p99),
                    detail: "\(short(Samples(answers.map(\.perSecond)).median)) requests/s, seed \(seed) ms"))
        }
        let pairs = try (1...max(rounds, 1)).map { round in
            progress("\(many) users and the same bytes from files, round \(round) of \(rounds)")
            return (
                asked: try stack.load(asked, connections: many, seconds: seconds),
                filed: try stack.load(filed, connections: many, seconds: seconds)
            )
        }
        let slower = pairs.map { $0.asked.p99 / $0.filed.p99 }
        figures.append(
            Figure(
                "\(many) users: p99 ÷ nginx with the same bytes in files", Samples(slower).median, "",
                bar: .atMost(1.5), rounds: slower,
                detail: "\(short(Samples(pairs.map(\.asked.p99)).median)) ms against "
                    + "\(short(Samples(pairs.map(\.filed.p99)).median)), no error"))
        let cached = try (1...max(rounds, 1)).map { round in
            progress("cached replies and files, round \(round) of \(rounds)")
            return (
                asked: try stack.load(asked, connections: 50, seconds: seconds),
                filed: try stack.load(filed, connections: 50, seconds: seconds)
            )
        }
        let faster = cached.map { $0.asked.perSecond / $0.filed.perSecond }
        figures.append(
            Figure(
                "requests/s through nginx's cache ÷ the same bytes in files, 50 connections", Samples(faster).median,
                "",
                bar: .atLeast(0.8), rounds: faster,
                detail: "\(short(Samples(cached.map(\.asked.perSecond)).median)) against "
                    + "\(short(Samples(cached.map(\.filed.perSecond)).median)); health is never cached"))
        return figures
    }
}

/// Two workers behind the product's nginx, in a directory of their own.
private struct Stack {
    private let port: Int
    private let scratch: Scratch
    private let workers: [ChildProcess]
    private let nginx: ChildProcess

    init(database: String, port: Int, scratch: Scratch) throws {
        self.port = port
        self.scratch = scratch
        let sockets = (1...2).map { scratch.path("api\($0).sock") }
        workers = try sockets.map { try ChildProcess.apiWorker(socket: $0, database: database, in: scratch) }
        try FileManager.default.createDirectory(atPath: scratch.path("run"), withIntermediateDirectories: true)
        chmod(scratch.path("run"), 0o777)
        let script = try Self.source("deploy/render-nginx")
        let text = try ChildProcess.run(
            script, ["\(port)", scratch.path("run"), scratch.path("run")] + sockets, in: scratch)
        // The files that it is compared with stand where the dashboard does.
        let root = try Regex(#"root ".*/dashboard";"#)
        let file = scratch.file("nginx.conf")
        try text.replacing(root, with: "root \"\(scratch.path(""))\";")
            .write(to: file, atomically: true, encoding: .utf8)
        nginx = try ChildProcess(
            "nginx", ["-p", scratch.path("run"), "-c", file.path, "-g", "daemon off;"], in: scratch)
        try nginx.expectReply(
            from: "http://127.0.0.1:\(port)/api/health", nginxLog: "run/nginx-error.log", in: scratch)
    }

    func stop() {
        nginx.stop()
        for worker in workers { worker.stop() }
    }

    /// Keeps a reply's body as a file that nginx serves, and returns its path there.
    func saveReply(of path: String, as name: String) throws -> String {
        try ChildProcess.run("curl", ["-sf", "http://127.0.0.1:\(port)\(path)"], in: scratch)
            .write(to: scratch.file(name), atomically: true, encoding: .utf8)
        return "/\(name)"
    }

    func load(_ script: String, connections: Int, seconds: Int) throws -> WebLoad {
        try WebLoad(
            "http://127.0.0.1:\(port)", connections: connections, seconds: seconds, script: script, in: scratch)
    }

    /// A file of the sources that this program was built from, which stand above it.
    private static func source(_ path: String) throws -> String {
        var directory = ChildProcess.binaries[...]
        while let slash = directory.lastIndex(of: "/") {
            directory = directory[..<slash]
            if access("\(directory)/\(path)", X_OK) == 0 { return "\(directory)/\(path)" }
        }
        throw BenchmarkFailure("\(path) is not above \(ChildProcess.binaries): run the program where it was built")
    }
}

extension Scratch {
    /// A script for wrk that asks for the paths in turn.
    fileprivate func script(_ name: String, paths: [String]) throws -> String {
        let list = paths.map { "\"\($0)\"" }.joined(separator: ", ")
        let text = """
            local paths, turn = {\(list)}, 0
            request = function() turn = turn % #paths + 1; return wrk.format("GET", paths[turn]) end

            """
        try text.write(to: file(name), atomically: true, encoding: .utf8)
        return path(name)
    }
}
