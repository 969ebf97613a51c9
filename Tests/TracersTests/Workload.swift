import Glibc

/// A program that runs for as long as this lives, in a process group of its own, which ends with it.
///
/// Not Foundation's `Process`: that hands on the signals that the calling thread blocks, and `stress-ng` then misses its own
/// alarm.
final class Workload {
    private var pid: pid_t = 0

    init(_ arguments: [String]) throws {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for stream in [1, 2] as [Int32] {
            posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
        }
        var list = arguments.map { strdup($0) } + [nil]
        defer { for word in list { free(word) } }
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, &list, environ)
        guard code == 0 else { throw Failure(program: arguments[0], code: code) }
    }

    /// `stress-ng` with these options, for 60 s at most.
    static func stress(_ options: String) throws -> Workload {
        try Workload(
            ["stress-ng", "--quiet", "--timeout", "60", "--temp-path", "/var/tmp"]
                + options.split(separator: " ").map(String.init))
    }

    deinit {
        // 0 where it could not be started: that is this process's own group.
        guard pid > 0 else { return }
        kill(-pid, SIGTERM)
        var status: Int32 = 0
        for _ in 0..<100 {
            if waitpid(pid, &status, WNOHANG) != 0 { return }
            usleep(20_000)
        }
        kill(-pid, SIGKILL)
        waitpid(pid, &status, 0)
    }

    struct Failure: Error {
        var program: String
        var code: Int32
    }
}
