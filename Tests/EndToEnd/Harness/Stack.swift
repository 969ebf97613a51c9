import ChildProcess
import Foundation
import Glibc
import Testing

/// The whole product in a directory of its own: collector, workers, nginx. Everything that a test starts here ends with
/// it.
final class Stack {
    let directory: URL
    let port: Int
    private(set) var collector: ChildProcess?
    private(set) var workers: [Int: ChildProcess] = [:]
    private(set) var nginx: ChildProcess?
    private(set) var agent: ChildProcess?

    var database: String { directory.appending(path: "kernelsight.db").path }
    private var config: String { directory.appending(path: "config.yaml").path }
    private var run: String { directory.appending(path: "run").path }

    /// Where the executables stand: beside the tests, or where KERNELSIGHT_BINARIES says, such as those of a release.
    static let binaries = URL(
        fileURLWithPath: ProcessInfo.processInfo.environment["KERNELSIGHT_BINARIES"] ?? ChildProcess.binaries)
    /// The repository.
    static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Prepares an empty directory; starts nothing.
    init(config text: String = "", in place: String = "/tmp") throws {
        directory = URL(fileURLWithPath: "\(place)/kernelsight-test-\(UUID().uuidString.prefix(8))")
        port = try freePort()
        for part in ["run/api", "run/nginx", "log"] {
            try FileManager.default.createDirectory(
                at: directory.appending(path: part), withIntermediateDirectories: true)
        }
        chmod(directory.path, 0o755)
        chmod("\(run)/api", 0o777)
        try write(config: text)
    }

    /// Replaces the configuration; the collector reads it at SIGHUP.
    func write(config text: String) throws {
        try text.write(toFile: config, atomically: true, encoding: .utf8)
        chmod(config, 0o644)
    }

    /// Collector, `workers` workers and nginx, ready to answer.
    static func running(config: String = "", workers: Int = 2) throws -> Stack {
        let stack = try Stack(config: config)
        try stack.startCollector()
        for number in 1...workers { try stack.startWorker(number) }
        try stack.startNginx(workers: workers)
        try require(within: 20, "the stack is ready") { try stack.get("/api/health/ready").status == 200 }
        return stack
    }

    /// Starts the collector and waits until it has written something. `prefix` is put before its command line.
    func startCollector(prefix: [String] = []) throws {
        let binary = Stack.binaries.appending(path: "kernelsight-collector").path
        let command = prefix + [binary, "--config", config, "--database", database, "--run", run]
        let child = try start(command[0], Array(command.dropFirst()), directory: directory.appending(path: "log"))
        collector = child
        try require(within: 20, "the collector writes") {
            guard child.isRunning else { throw HTTPFailure("the collector ended: \(child.output)") }
            return try self.sql("SELECT last_tick > 0 FROM store_state") == "1"
        }
    }

    /// Starts worker `number` as user nobody.
    func startWorker(_ number: Int) throws {
        workers[number] = try start(
            "/usr/bin/setpriv",
            [
                "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--no-new-privs",
                Stack.binaries.appending(path: "kernelsight-api").path, "--config", config, "--database", database,
                "--socket", "\(run)/api/\(number).sock",
            ], directory: directory.appending(path: "log"))
    }

    /// Starts the agent and waits until it has said that it lives.
    func startAgent(prefix: [String] = []) throws {
        let command =
            prefix + [
                Stack.binaries.appending(path: "kernelsight-agent").path, "--config", config, "--database", database,
            ]
        let child = try start(command[0], Array(command.dropFirst()), directory: directory.appending(path: "log"))
        agent = child
        try require(within: 20, "the agent says that it lives") {
            guard child.isRunning else { throw HTTPFailure("the agent ended: \(child.output)") }
            return try self.sql("SELECT pid FROM agent_state", of: self.agentDatabase) == "\(child.pid)"
        }
    }

    var agentDatabase: String { directory.appending(path: "agent.db").path }

    /// Starts nginx anew with a changed configuration.
    func restartNginx(_ change: (String) -> String) throws {
        nginx?.signal(SIGQUIT)
        nginx?.wait(seconds: 20)
        try startNginx(workers: workers.count, change)
    }

    func startNginx(workers: Int, _ change: (String) -> String = { $0 }) throws {
        let sockets = (1...workers).map { "\(run)/api/\($0).sock" }
        let rendered = try execute(
            Stack.sources.appending(path: "deploy/render-nginx").path,
            ["\(port)", "\(run)/nginx", directory.appending(path: "log").path] + sockets)
        guard rendered.status == 0 else { throw HTTPFailure(rendered.output) }
        let file = "\(run)/nginx.conf"
        try change(rendered.output).write(toFile: file, atomically: true, encoding: .utf8)
        nginx = try start(
            "/usr/sbin/nginx", ["-p", "\(run)/nginx", "-c", file, "-g", "daemon off;"],
            directory: directory.appending(path: "log"))
    }

    func get(_ path: String, method: String = "GET", headers: [String: String] = [:]) throws -> Reply {
        try request(path, port: port, method: method, headers: headers)
    }

    /// What the stock sqlite3 shell prints, opened read-only.
    func sql(_ query: String, of file: String? = nil) throws -> String {
        let result = try execute("/usr/bin/sqlite3", ["-readonly", file ?? database, query])
        guard result.status == 0 else { throw HTTPFailure("sqlite3: \(result.output)") }
        return result.output.trimmingCharacters(in: .newlines)
    }

    /// Stops everything from the outside in; says whether each stopped by itself.
    @discardableResult
    func stop() -> Bool {
        nginx?.signal(SIGQUIT)
        var clean = nginx?.wait(seconds: 20) ?? true
        for worker in workers.values { clean = worker.stop() && clean }
        clean = (agent?.stop() ?? true) && clean
        clean = (collector?.stop() ?? true) && clean
        return clean
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(at: directory)
    }
}

/// Waits for a condition and fails the test with what it waited for, and why, when it does not come.
func require(
    within seconds: Double, _ what: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) throws {
    var failure: (any Error)?
    let held = eventually(within: seconds) {
        do {
            return try condition()
        } catch {
            failure = error
            return false
        }
    }
    try #require(
        held, "within \(seconds) s: \(what())\(failure.map { " (\($0))" } ?? "")", sourceLocation: sourceLocation)
}

/// A TCP port that nobody listens on right now.
func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    guard bound else { throw HTTPFailure("no free port") }
    return Int(in_port_t(bigEndian: address.sin_port))
}
