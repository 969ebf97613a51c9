import CLinux
import Control
import Glibc

/// What the collector needs once everything is attached, and gives up the rest.
enum Privileges {
    /// Opening the task iterator once a tick (CAP_BPF, CAP_PERFMON), and reading other users' `/proc/PID/io`
    /// (CAP_SYS_PTRACE to be let in, CAP_DAC_READ_SEARCH to open the file).
    private static let kept = [CLINUX_CAP_BPF, CLINUX_CAP_PERFMON, CLINUX_CAP_SYS_PTRACE, CLINUX_CAP_DAC_READ_SEARCH]

    /// Gives up everything else. Must run before any other thread does: capabilities belong to threads.
    static func drop() throws(StartFailure) {
        let wanted = kept.reduce(into: UInt64(0)) { $0 |= 1 << UInt64($1) }
        guard clinux_keep_capabilities(wanted) == 0 else {
            throw StartFailure("cannot give up capabilities: \(String(cString: strerror(errno)))")
        }
    }
}
