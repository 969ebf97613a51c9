import Glibc

/// Why a reader gave nothing in a tick. The text says what to do where something can be done.
public enum ReaderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file could not be opened or read.
    case file(path: String, errno: Int32)
    /// A file does not look as the kernel writes it.
    case malformed(path: String)
    /// A file is larger than a reader is willing to hold.
    case tooLarge(path: String, limit: Int)
    /// sock_diag refused or did not answer.
    case netlink(errno: Int32)
    /// The reader spent so much CPU time that it waits before it runs again.
    case resting(milliseconds: UInt64)

    public var description: String {
        switch self {
        case .file(let path, let code) where path.contains("/pressure/") && (code == ENOENT || code == EOPNOTSUPP):
            "\(path): no pressure stall information: boot with psi=1"
        case .file(let path, EACCES), .file(let path, EPERM):
            "\(path): permission denied: run as root"
        case .file(let path, let code):
            "\(path): \(Self.text(code))"
        case .malformed(let path):
            "\(path): not in the kernel's format"
        case .tooLarge(let path, let limit):
            "\(path): larger than \(limit) bytes"
        case .netlink(ENOENT), .netlink(EPROTONOSUPPORT):
            "sock_diag: not available: load the kernel module tcp_diag"
        case .netlink(let code):
            "sock_diag: \(Self.text(code))"
        case .resting(let milliseconds):
            "rests \(milliseconds) ms more, because its last run took too much CPU time"
        }
    }

    private static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
