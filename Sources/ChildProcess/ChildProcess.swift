import CLinux
@preconcurrency import Glibc

/// A program that runs beside this one, in a process group of its own, and ends with its owner.
///
/// Foundation's `Process` learns of an end from a socket that grandchildren inherit, so a daemon's child keeps it waiting
/// for ever; this one asks the kernel.
public final class ChildProcess {
    /// Why a program could not be started.
    public struct Failure: Error, CustomStringConvertible, Sendable {
        public let description: String
    }

    public let pid: pid_t
    /// What it writes to standard output and standard error goes here.
    public let log: String
    private var status: Int32?

    /// Starts `program` (a path, or a name that is looked for in PATH and the sbin directories) with `arguments`.
    /// Standard input is empty; both outputs go to the file `log`. It has `descriptors` from 3 on, in their order; each must be
    /// beyond the numbers that they get there.
    public init(_ program: String, _ arguments: [String], log: String, descriptors: [Int32] = []) throws(Failure) {
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for (index, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
        }
        // A copy of another thread's socket would keep that open for as long as the program runs.
        clinux_close_from(&actions, Int32(3 + descriptors.count))

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        var result = ENOENT
        for path in Self.candidates(program) where result == ENOENT {
            result = posix_spawn(&child, path, &actions, &attributes, &arguments, environ)
        }
        guard result == 0 else {
            throw Failure(description: "\(program) cannot be started: \(String(cString: strerror(result)))")
        }
        pid = child
    }

    /// The directory that this program's executable is in.
    public static var binaries: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = max(0, readlink("/proc/self/exe", &path, path.count))
        let bytes = path[..<length].map { UInt8(bitPattern: $0) }
        return String(decoding: bytes.prefix(upTo: bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0), as: UTF8.self)
    }

    /// The path of a program of ours, which stands beside this one; the name itself for others.
    public static func ours(_ program: String) -> String {
        let path = "\(binaries)/\(program)"
        return access(path, X_OK) == 0 ? path : program
    }

    private static func candidates(_ program: String) -> [String] {
        if program.utf8.contains(UInt8(ascii: "/")) { return [program] }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]).map { "\($0)/\(program)" }
    }

    /// Whether it has not ended.
    public var isRunning: Bool {
        if status != nil { return false }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return true }
        self.status = status
        return false
    }

    /// Its exit status once it has ended; 128 + N when signal N ended it.
    public var exitStatus: Int32? {
        guard !isRunning, let status else { return nil }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// What it has written so far.
    public var output: String {
        let descriptor = open(log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(descriptor, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sends a signal to it, or to all of its group.
    public func signal(_ number: Int32, group: Bool = false) {
        if isRunning { kill(group ? -pid : pid, number) }
    }

    /// Waits until it has ended; after `seconds` it and its group are killed and the answer is `false`.
    @discardableResult
    public func wait(seconds: Double) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while isRunning {
            guard ContinuousClock.now < deadline else {
                kill(-pid, SIGKILL)
                var status: Int32 = 0
                if waitpid(pid, &status, 0) == pid { self.status = status }
                return false
            }
            usleep(5000)
        }
        return true
    }

    /// Asks it, or its whole group, to stop and waits; says whether it stopped by itself. The others of its group have as long
    /// to end what they have started; whoever is left then is killed.
    @discardableResult
    public func stop(seconds: Double = 20, group: Bool = false) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        signal(SIGTERM, group: group)
        let stopped = wait(seconds: seconds)
        guard group else { return stopped }
        while kill(-pid, 0) == 0, ContinuousClock.now < deadline { usleep(5000) }
        kill(-pid, SIGKILL)
        return stopped
    }

    deinit {
        if isRunning { wait(seconds: 0) }
    }
}
