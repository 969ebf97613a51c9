import Glibc
import Model

/// Why a setting could not be read or changed.
public enum HostError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The process has ended, or its pid belongs to another one now.
    case gone(ProcessIdentity)
    case refused(Setting, errno: Int32)
    /// Not a value of that setting.
    case invalid(Setting, value: String)
    /// The controller is in no hierarchy that is mounted.
    case noController(String)
    /// Set, and read back as something else.
    case notKept(Setting, wanted: String, found: String)

    public var description: String {
        switch self {
        case .gone(let process): "process \(process) has ended"
        case .refused(let setting, EPERM), .refused(let setting, EACCES):
            "\(setting): permission denied: the agent lacks a capability for this"
        case .refused(let setting, let code):
            "\(setting): \(strerror(code).map { String(cString: $0) } ?? "error \(code)")"
        case .invalid(let setting, let value): "\(setting) cannot be \(value.debugDescription)"
        case .noController(let name): "no cgroup hierarchy with the \(name) controller is mounted"
        case .notKept(let setting, let wanted, let found): "\(setting) was set to \(wanted) and reads \(found)"
        }
    }
}
