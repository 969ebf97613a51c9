import ChildProcess
import Foundation
import Glibc

/// Two workers behind the product's nginx, in a directory of their own.
struct UserStack {
    /// Each endpoint by its name, with the means that were promised for it, in milliseconds.
    static let endpoints: [(name: String, path: String, seed: Double?)] = [
        ("health", "/api/health", 2), ("stats", "/api/stats", 25),
        ("signals of 20", "/api/signals?limit=20&lookback_minutes=1440", 15), ("agent/status", "/api/agent/status", 10),
        ("diagnostics", "/api/diagnostics", 50),
    ]
    static let paths = endpoints.map(\.path)
    /// What the first promise did not have.
    static let others: [(name: String, path: String, seed: Double?)] = [
        ("signals of a type, severe", "/api/signals?signal_type=scheduler&severity=high&lookback_minutes=1440", nil),
        ("one signal", "/api/signals/1000", nil), ("series", "/api/series?metric=cpu.busy", nil),
        ("processes", "/api/processes", nil), ("agent/history", "/api/agent/history", nil),
    ]

    let base: String
    let workers: [ChildProcess]
    private let scratch: Scratch
    let nginx: ChildProcess

    /// - Parameters:
    ///   - cache: whether nginx keeps replies, as it does for users.
    ///   - dashboard: whether it serves the dashboard; else files that replies are compared with stand in its place.
    init(database: String, port: Int, cache: Bool = true, dashboard: Bool = false, scratch: Scratch) throws {
        base = "http://127.0.0.1:\(port)"
        self.scratch = scratch
        let sockets = (1...2).map { scratch.path("api\($0).sock") }
        workers = try sockets.map {
            try ChildProcess.apiWorker(socket: $0, database: database, afresh: !cache, in: scratch)
        }
        try FileManager.default.createDirectory(atPath: scratch.path("run"), withIntermediateDirectories: true)
        chmod(scratch.path("run"), 0o777)
        let script = try Self.source("deploy/render-nginx")
        let text = try ChildProcess.run(
            script, ["\(port)", scratch.path("run"), scratch.path("run")] + sockets, in: scratch)
        var changes: [(Regex<AnyRegexOutput>, String)] = []
        // The files that it is compared with stand where the dashboard does.
        if !dashboard { changes.append((try Regex(#"root ".*/dashboard";"#), "root \"\(scratch.path(""))\";")) }
        if !cache { changes.append((try Regex("fastcgi_cache kernelsight_cache;"), "")) }
        let configuration = try changes.reduce(text) { text, change in
            let changed = text.replacing(change.0, with: change.1)
            guard changed != text else {
                throw BenchmarkFailure("nginx's configuration has another form than was known here")
            }
            return changed
        }
        let file = scratch.file("nginx.conf")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        try Self.needFree(port: port)
        nginx = try ChildProcess(
            "nginx", ["-p", scratch.path("run"), "-c", file.path, "-g", "daemon off;"], in: scratch)
        try nginx.expectReply(
            from: "\(base)/api/health", nginxLog: "run/nginx-error.log", in: scratch)
    }

    func stop() {
        nginx.stop()
        for worker in workers { worker.stop() }
    }

    func body(of path: String) throws -> String { try ChildProcess.run("curl", ["-sf", base + path], in: scratch) }

    /// nginx's, a second late.
    func log() throws -> String { try String(contentsOfFile: scratch.path("run/nginx-access.log"), encoding: .utf8) }

    /// Keeps a reply's body as a file that nginx serves, and returns its path there.
    func saveReply(of path: String, as name: String) throws -> String {
        try body(of: path).write(to: scratch.file(name), atomically: true, encoding: .utf8)
        return "/\(name)"
    }

    /// - Parameter script: what is asked for; else `path` is, each time.
    func load(
        _ script: String? = nil, path: String = "", connections: Int, seconds: Int, mayRefuse: Bool = false
    ) throws -> WebLoad {
        try WebLoad(
            base + path, connections: connections, seconds: seconds, script: script, mayRefuse: mayRefuse, in: scratch)
    }

    /// Another server there would answer in nginx's place, for a benchmark that was killed perhaps.
    static func needFree(port: Int) throws {
        guard OpenLoop.isFree(port: port) else {
            throw BenchmarkFailure("port \(port) is in use: end what listens there")
        }
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
    func script(_ name: String, paths: [String]) throws -> String {
        let list = paths.map { "\"\($0)\"" }.joined(separator: ", ")
        let text = """
            local paths, turn = {\(list)}, 0
            request = function() turn = turn % #paths + 1; return wrk.format("GET", paths[turn]) end

            """
        try text.write(to: file(name), atomically: true, encoding: .utf8)
        return path(name)
    }
}
