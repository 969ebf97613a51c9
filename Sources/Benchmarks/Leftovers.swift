import Foundation
import Glibc
import Synchronization

/// What has to go when somebody presses Ctrl-C: children are in process groups of their own and would go on.
enum Leftovers {
    private static let started = Mutex<(children: [pid_t], directories: [String])>(([], []))
    private static let signals = [SIGINT, SIGTERM, SIGHUP]
    /// Listens from the first use on, in a thread that does nothing else.
    private static let watch: Void = {
        for number in signals {
            signal(number) { _ in wanted.store(true, ordering: .relaxed) }
        }
        Thread.detachNewThread {
            while !wanted.load(ordering: .relaxed) { usleep(50_000) }
            end()
        }
    }()
    private static let wanted = Atomic(false)

    static func add(child: pid_t) {
        _ = watch
        started.withLock { $0.children.append(child) }
    }

    static func add(directory: String) {
        _ = watch
        started.withLock { $0.directories.append(directory) }
    }

    private static func end() {
        let (children, directories) = started.withLock { $0 }
        // Those that have been waited for are nobody's any more, and their pids may be others'.
        let living = children.filter(isOurs)
        for pid in living { kill(-pid, SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(10)
        while living.contains(where: isRunning), ContinuousClock.now < deadline { usleep(20_000) }
        for pid in living where isOurs(pid) { kill(-pid, SIGKILL) }
        for directory in directories { try? FileManager.default.removeItem(atPath: directory) }
        exit(128 + SIGINT)
    }

    private static func look(at pid: pid_t) -> (isOurs: Bool, hasEnded: Bool) {
        var information = siginfo_t()
        let found = waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT)
        return (found == 0, found == 0 && information.si_signo == SIGCHLD)
    }

    private static func isOurs(_ pid: pid_t) -> Bool { look(at: pid).isOurs }
    private static func isRunning(_ pid: pid_t) -> Bool {
        let state = look(at: pid)
        return state.isOurs && !state.hasEnded
    }
}
