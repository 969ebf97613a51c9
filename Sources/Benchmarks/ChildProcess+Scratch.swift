import ChildProcess
import Foundation
import Glibc

extension ChildProcess {
    /// Starts one of our own programs, that stand beside this one, or one from PATH. It ends with the benchmark.
    convenience init(_ program: String, _ arguments: [String], in scratch: Scratch) throws {
        let name = program.split(separator: "/").last ?? "program"
        let log = scratch.path("\(name)-\(UUID().uuidString.prefix(8)).log")
        try self.init(Self.ours(program), arguments, log: log)
        Leftovers.add(child: pid)
    }

    /// A collector on a database, with what stands in a configuration; ready when it has printed `sign`, that its tracers are attached
    /// for instance.
    static func collector(
        on database: String, config text: String = "", until sign: String = "attached", in scratch: Scratch
    ) throws -> ChildProcess {
        let config = scratch.file("collector.yaml")
        try text.write(to: config, atomically: true, encoding: .utf8)
        let collector = try ChildProcess(
            "kernelsight-collector", ["--config", config.path, "--database", database, "--run", scratch.url.path],
            in: scratch)
        try collector.expect(sign)
        return collector
    }

    /// An agent on a database, with the defaults.
    static func agent(on database: String, in scratch: Scratch) throws -> ChildProcess {
        let agent = try ChildProcess(
            "kernelsight-agent", ["--config", "/dev/null", "--database", database], in: scratch)
        try agent.expect("mode")
        return agent
    }

    /// Runs to the end; returns what it printed.
    static func run(_ program: String, _ arguments: [String], in scratch: Scratch) throws -> String {
        let child = try ChildProcess(program, arguments, in: scratch)
        guard child.wait(seconds: 600), child.exitStatus == 0 else {
            throw BenchmarkFailure("\(program) failed: \(child.output.suffix(300))")
        }
        return child.output
    }

    /// Waits until it has printed `text`.
    func expect(_ text: String, seconds: Double = 20) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !output.contains(text) {
            guard isRunning, ContinuousClock.now < deadline else {
                throw BenchmarkFailure("waited for \"\(text)\", got: \(output.suffix(500))")
            }
            usleep(20_000)
        }
    }
}

/// What the kernel says about a running process.
enum ProcessFigures {
    /// User and system time in seconds.
    static func cpuSeconds(of pid: pid_t) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        guard let end = text.lastIndex(of: ")") else { throw BenchmarkFailure("/proc/\(pid)/stat makes no sense") }
        let fields = text[text.index(end, offsetBy: 2)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw BenchmarkFailure("/proc/\(pid)/stat makes no sense")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory in MiB.
    static func residentMegabytes(of pid: pid_t) throws -> Double { try megabytes("VmRSS:", in: "/proc/\(pid)/status") }

    /// The same, with what several share divided among them.
    static func proportionalMegabytes(of pid: pid_t) throws -> Double {
        try megabytes("Pss:", in: "/proc/\(pid)/smaps_rollup")
    }

    private static func megabytes(_ name: String, in file: String) throws -> Double {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Double($0)
            })
        else { throw BenchmarkFailure("\(file) has no \(name)") }
        return kilobytes / 1024
    }
}

/// What `/proc/stat` says of the host since it was booted.
enum HostFigures {
    /// Idle seconds of all cores together.
    static func idleSeconds() throws -> Double {
        let times = try numbers(of: "cpu")
        guard times.count > 4 else { throw BenchmarkFailure("/proc/stat makes no sense") }
        return (times[3] + times[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    static func contextSwitches() throws -> Double {
        guard let count = try numbers(of: "ctxt").first else { throw BenchmarkFailure("/proc/stat makes no sense") }
        return count
    }

    private static func numbers(of name: String) throws -> [Double] {
        let text = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        return (line ?? "").split(separator: " ").dropFirst().compactMap { Double($0) }
    }
}

/// A directory that is gone when the benchmark is.
public final class Scratch {
    let url: URL

    public init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "kernelsight-bench-\(UUID().uuidString.prefix(8))")
        Leftovers.add(directory: url.path)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        // nginx's workers run as another user.
        chmod(url.path, 0o755)
    }

    /// A file in it, that may not exist yet.
    public func path(_ name: String) -> String { file(name).path }

    func file(_ name: String) -> URL { url.appending(path: name) }

    deinit { try? FileManager.default.removeItem(at: url) }
}
