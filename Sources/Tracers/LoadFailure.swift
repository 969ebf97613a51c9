import CLibBPF
import Glibc

/// Why a BPF program does not run here, and what it would take.
struct LoadFailure: Error, Equatable {
    var reason: String
    var remedy: String

    /// Reads the cause from errno and from what libbpf and the verifier said.
    init(_ step: String, errno code: Int32, log: String) {
        let said = Self.lastWords(log)
        if access("/sys/kernel/btf/vmlinux", R_OK) != 0 {
            reason = "the kernel offers no readable type information (/sys/kernel/btf/vmlinux)"
            remedy = "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian 11 and later have it)"
        } else if let hook = Self.missingHook(log) {
            reason = "this kernel has no tracepoint \(hook)"
            remedy = "a kernel of 5.11 or later with CONFIG_TRACEPOINTS and, for system calls, CONFIG_FTRACE_SYSCALLS"
        } else if code == EPERM || code == EACCES, let missing = Capabilities.missingForBPF() {
            reason = "\(step): not permitted: the process has no \(missing)"
            remedy = "run as root, or give the binary or unit CAP_BPF and CAP_PERFMON"
        } else if code == EPERM {
            reason = "\(step): not permitted, although CAP_BPF and CAP_PERFMON are there"
            remedy = "allow bpf(): look at kernel lockdown, seccomp filters and RLIMIT_MEMLOCK"
        } else {
            reason = "\(step): \(String(cString: strerror(code)))" + (said.isEmpty ? "" : ": " + said)
            remedy = "report this with the kernel version; the other tracers go on"
        }
    }

    init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    /// The hook in libbpf's `prog 'NAME': failed to find kernel BTF type ID of 'HOOK'`.
    private static func missingHook(_ log: String) -> String? {
        for line in log.split(separator: "\n") {
            let parts = line.split(separator: "'")
            guard parts.count > 3, parts[2].contains("failed to find kernel BTF type ID of") else { continue }
            return String(parts[3])
        }
        return nil
    }

    /// The last lines that say something, on one line.
    private static func lastWords(_ log: String) -> String {
        log.split(separator: "\n").filter { !$0.hasPrefix("processed ") && !$0.contains("-- END PROG LOAD LOG --") }
            .suffix(3).joined(separator: "; ")
    }
}

/// The capabilities that the tracers need.
enum Capabilities {
    /// Names what is missing from the effective set, or `nil` when nothing is.
    static func missingForBPF() -> String? {
        let effective = Self.effective()
        let admin = effective & 1 << 21 != 0
        let names = [("CAP_BPF", 39), ("CAP_PERFMON", 38)].filter { !admin && effective & 1 << UInt64($0.1) == 0 }
            .map(\.0)
        return names.isEmpty ? nil : names.joined(separator: " and no ")
    }

    // They belong to threads.
    private static func effective() -> UInt64 {
        guard let file = fopen("/proc/thread-self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("CapEff:") else { continue }
            return UInt64(text.dropFirst(7).filter { !$0.isWhitespace }, radix: 16) ?? 0
        }
        return 0
    }
}
