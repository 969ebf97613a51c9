import ChildProcess
import Foundation
import Glibc
import Testing

/// What `deploy/up` runs from a checkout, with its data in a directory of its own. It ends with its owner.
final class Installation {
    /// Where the data are.
    let directory: URL
    let port: Int
    private let checkout: URL
    /// Put before a command line: `env` or `setpriv` with arguments.
    private let prefix: [String]

    init(checkout: URL = Stack.sources, directory: URL, prefix: [String] = []) throws {
        self.checkout = checkout
        self.directory = directory
        self.prefix = prefix
        port = try freePort()
    }

    private func command(_ script: String, _ arguments: [String] = []) -> [String] {
        // `swift test` locks its build directory for as long as the tests run, so the release build goes elsewhere.
        let build = "SWIFTPM_BUILD_DIR=\(Stack.sources.appending(path: ".build-release").path)"
        let path = checkout.appending(path: "deploy/\(script)").path
        return ["/usr/bin/env", build] + prefix + [path, "--data", directory.path] + arguments
    }

    /// Runs `deploy/up`. The first time it builds, which takes minutes.
    func up(_ arguments: String...) throws -> (output: String, status: Int32) {
        let command = command("up", ["--port", "\(port)"] + arguments)
        return try execute(command[0], Array(command.dropFirst()), seconds: 1500)
    }

    /// Starts `deploy/up` as in a terminal and waits until it says that it is up.
    func foreground() throws -> ChildProcess {
        let command = command("up", ["--port", "\(port)"])
        let child = try start(command[0], Array(command.dropFirst()), directory: .temporaryDirectory)
        func isUp() -> Bool { child.output.contains("KernelSight is up") }
        try require(within: 1500, "deploy/up is up or ends") { isUp() || !child.isRunning }
        guard isUp() else { throw HTTPFailure("deploy/up ended: \(child.output)") }
        return child
    }

    /// Runs `deploy/down`.
    @discardableResult
    func down() throws -> (output: String, status: Int32) {
        let command = command("down")
        return try execute(command[0], Array(command.dropFirst()))
    }

    func get(_ path: String) throws -> Reply { try request(path, port: port) }

    /// Every process that writes to a file in the data directory, whatever it calls itself.
    var processes: [RunningProcess] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.filter { pid in
            let output = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/1")
            return output?.hasPrefix(directory.path + "/") == true
        }.compactMap(RunningProcess.init)
    }

    /// Those that need no privilege.
    var unprivileged: [RunningProcess] { processes.filter { ["kernelsight-api", "nginx"].contains($0.name) } }

    deinit { _ = try? down() }
}

/// What the kernel says about a running process.
struct RunningProcess: Hashable {
    let pid: pid_t
    let name: String
    let user: uid_t
    /// The effective capabilities, in hexadecimal.
    let capabilities: String

    init?(_ pid: pid_t) {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return nil }
        var fields: [Substring: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace)
        }
        guard let name = fields["Name"]?.first, let user = fields["Uid"]?.first.flatMap({ uid_t($0) }),
            let capabilities = fields["CapEff"]?.first
        else { return nil }
        self.pid = pid
        self.name = String(name)
        self.user = user
        self.capabilities = String(capabilities)
    }
}
