import Glibc
import Model
import Readers

extension ProcessStat {
    /// `nil` if there is no such process.
    init?(pid: Int32) { self.init(path: "/proc/\(pid)/stat") }

    /// `nil` if it has ended.
    init?(_ process: ProcessIdentity) {
        self.init(pid: process.pid)
        if identity != process || isDead { return nil }
    }

    private init?(path: String) {
        guard let stat = TextFile.withBytes(of: path, { ProcessStat(parsing: $0) }) ?? nil else { return nil }
        self = stat
    }

    var isDead: Bool { state == "Z" || state == "X" }

    /// Whether a process is stopped, or will be as soon as it has come out of the kernel, which may take as long as its disk.
    static func isStopped(pid: Int32) -> Bool {
        if ProcessStat(pid: pid)?.state == "T" { return true }
        let pending = TextFile.read("/proc/\(pid)/status")?.split(separator: "\n").contains { line in
            // A mask in which signal 1 is bit 0.
            line.hasPrefix("ShdPnd:")
                && UInt64(line.split(separator: "\t").last ?? "", radix: 16).map { $0 >> UInt64(SIGSTOP - 1) & 1 == 1 }
                    ?? false
        }
        return pending == true
            || Directory.entries("/proc/\(pid)/task").contains {
                ProcessStat(path: "/proc/\(pid)/task/\($0)/stat")?.state == "T"
            }
    }
}
