import ChildProcess
import Foundation
import Glibc

/// Where one scenario is played: a directory, the props, and the programs that run. Everything is gone when it ends.
final class Stage {
    let directory: URL
    /// One for each controller; whoever is in one is in all.
    private var groups: [ControlGroup] = []
    private var undo: [() throws -> Void] = []
    private var programs: [ChildProcess] = []
    /// Those that must run until they are ended.
    private var lasting: [(part: Part, child: ChildProcess)] = []
    private var count = 0

    init(_ scenario: Scenario, in scratch: URL) throws {
        directory = scratch.appending(path: scenario.name)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        do {
            for prop in scenario.props { try set(up: prop) }
        } catch {
            clear()
            throw error
        }
    }

    deinit { clear() }

    /// Starts a part and waits until it says that it is ready.
    func start(_ part: Part) throws -> ChildProcess {
        count += 1
        let arguments = try part.arguments.map {
            try $0.replacing("@disk", with: directory.appending(path: "disk").path)
                .replacing("@dir", with: directory.path).replacing("@bin", with: ChildProcess.binaries)
                .replacing("@source", with: $0.contains("@source") ? Self.source() : "")
        }
        var command = [ChildProcess.ours(part.program)] + arguments
        if part.inGroup {
            guard !groups.isEmpty else {
                throw LabFailure("\(part.program) is to run in a group that is not among the props")
            }
            // A shell of three words that puts itself into the group and becomes the program.
            for group in groups {
                command = ["/bin/sh", "-c", "echo $$ > \"$0\"; exec \"$@\"", group.processes] + command
            }
        }
        let log = directory.appending(path: "\(count)-\(part.program).log").path
        let child = try ChildProcess(command[0], Array(command.dropFirst()), log: log)
        programs.append(child)
        if !part.mayEnd, part.pulse == nil { lasting.append((part, child)) }
        if let line = part.isReadyWhen {
            try wait(120, for: "\(part.program) \(part.arguments.first ?? "") to be ready: \(child.output.suffix(200))")
            {
                guard child.isRunning else { throw LabFailure("\(part.program) ended: \(child.output.suffix(300))") }
                return child.output.contains(line)
            }
        }
        return child
    }

    /// Throws when something has ended that should not have: what it was to do was not done.
    func checkThatAllRun() throws {
        for (part, child) in lasting where !child.isRunning {
            let words = ([part.program] + part.arguments).joined(separator: " ").prefix(80)
            throw LabFailure("\(words) ended with status \(child.exitStatus ?? -1): \(child.output.suffix(300))")
        }
    }

    /// Ends all programs and takes down the props, the last first.
    func clear() {
        for program in programs { program.stop(seconds: 5, group: true) }
        programs = []
        do { try takeDown() } catch { FileHandle.standardError.write(Data("\(error)\n".utf8)) }
        groups = []
        try? FileManager.default.removeItem(at: directory)
    }

    /// The directory of KernelSight's own sources, above its programs where it was built.
    private static func source() throws -> String {
        var directory = URL(fileURLWithPath: ChildProcess.binaries)
        while directory.path != "/" {
            if FileManager.default.fileExists(atPath: directory.appending(path: "Package.swift").path) {
                return directory.path
            }
            directory.deleteLastPathComponent()
        }
        throw LabFailure("the sources are not there to be compiled")
    }

    // MARK: props

    /// How much has been set up.
    var depth: Int { undo.count }

    /// Takes down what was set up since then, the last first, whatever fails; then says what did.
    func takeDown(to depth: Int = 0) throws {
        var failures: [String] = []
        while undo.count > depth { do { try undo.removeLast()() } catch { failures.append("\(error)") } }
        guard failures.isEmpty else { throw LabFailure("left behind: \(failures.joined(separator: "; "))") }
    }

    func set(up prop: Prop) throws {
        switch prop {
        case .memoryGroup(let megabytes): groups.append(try .memory(megabytes: megabytes))
        case .slowReads(let rate):
            groups.append(try .disk(try disk(of: directory), .read, bytesPerSecond: rate))
        case .slowDisk(let megabytes, let rate): try mountSlowDisk(megabytes: megabytes, rate: rate)
        case .zramSwap(let megabytes): try swapOnZRAM(megabytes: megabytes)
        case .dropping(let port, let oneIn):
            let rule = [
                "INPUT", "-i", "lo", "-p", "tcp", "--dport", "\(port)", "-m", "statistic", "--mode", "nth", "--every",
                "\(oneIn)", "--packet", "0", "-j", "DROP",
            ]
            try block(rule)
        case .unreachable(let address, let port):
            try block(["INPUT", "-i", "lo", "-p", "tcp", "--sport", "\(port)", "-d", address, "-j", "DROP"])
        case .sysctl(let name, let value):
            let file = "/proc/sys/\(name)"
            let before = try String(contentsOfFile: file, encoding: .utf8)
            try value.write(toFile: file, atomically: false, encoding: .utf8)
            undo.append { try before.write(toFile: file, atomically: false, encoding: .utf8) }
        }
    }

    private func block(_ rule: [String]) throws {
        try run("iptables", ["-I"] + rule)
        undo.append { [self] in try run("iptables", ["-D"] + rule) }
    }

    private func mountSlowDisk(megabytes: Int, rate: Int) throws {
        let image = directory.appending(path: "disk.img").path
        let mount = directory.appending(path: "disk").path
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        try run("truncate", ["-s", "\(megabytes)M", image])
        let device = try run("losetup", ["--find", "--show", "--direct-io=on", image])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        undo.append { [self] in try run("losetup", ["--detach", device]) }
        try run("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", device])
        try run("mount", [device, mount])
        undo.append { [self] in try run("umount", [mount]) }
        // The loop device passes on to which cgroup a request belongs: its disk is slow for the group.
        groups.append(try .disk(try disk(of: directory), .write, bytesPerSecond: rate))
    }

    /// The whole disk that a file is on, `MAJOR:MINOR`.
    private func disk(of file: URL) throws -> String {
        var info = stat()
        guard stat(file.path, &info) == 0 else { throw LabFailure("\(file.path) is gone") }
        let (major, minor) = (info.st_dev >> 8 & 0xFFF, info.st_dev & 0xFF | info.st_dev >> 12 & 0xFFF00)
        let device = "/sys/dev/block/\(major):\(minor)"
        let isPartition = FileManager.default.fileExists(atPath: "\(device)/partition")
        guard
            let number = try? String(contentsOfFile: "\(device)\(isPartition ? "/.." : "")/dev", encoding: .utf8)
        else { throw LabFailure("\(file.path) is not on a disk") }
        return number.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func swapOnZRAM(megabytes: Int) throws {
        let text = try String(contentsOfFile: "/sys/class/zram-control/hot_add", encoding: .utf8)
        guard let number = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw LabFailure("no zram device could be made")
        }
        undo.append {
            try "\(number)".write(toFile: "/sys/class/zram-control/hot_remove", atomically: false, encoding: .utf8)
        }
        let size = "/sys/block/zram\(number)/disksize"
        try "\(megabytes)M".write(toFile: size, atomically: false, encoding: .utf8)
        let device = "/dev/zram\(number)"
        try wait(5, for: "\(device) to appear") { access(device, F_OK) == 0 }
        try run("mkswap", [device])
        try run("swapon", [device])
        undo.append { [self] in try run("swapoff", [device]) }
    }

    @discardableResult
    private func run(_ program: String, _ arguments: [String]) throws -> String {
        count += 1
        let log = directory.appending(path: "\(count)-\(program).log").path
        let child = try ChildProcess(program, arguments, log: log)
        guard child.wait(seconds: 60), child.exitStatus == 0 else {
            throw LabFailure("\(program) \(arguments.joined(separator: " ")): \(child.output.suffix(300))")
        }
        return child.output
    }
}

/// Why a scenario could not be played; says nothing about KernelSight.
public struct LabFailure: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Polls until something is so.
func wait(_ seconds: Double, for what: @autoclosure () -> String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        try checkForInterruption()
        guard ContinuousClock.now < deadline else { throw LabFailure("waited \(seconds) s for \(what())") }
        usleep(50_000)
    }
}
