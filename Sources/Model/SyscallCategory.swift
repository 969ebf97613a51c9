/// What a system call is about. The raw values are labels in the database and indexes in `bpf/syscall_tracer.h`.
public enum SyscallCategory: Int, CaseIterable, Sendable, Codable {
    case blockingIO = 0
    case asyncIO
    case lockContention
    case memoryManagement
    case network
    case fileSystem
    case processManagement
    case signalHandling
    case timer
    /// epoll_wait, poll, select, accept, wait4, sleep: always meant to wait.
    case intendedWait
    case other

    /// The label users see: `blocking_io`.
    public var name: String {
        switch self {
        case .blockingIO: "blocking_io"
        case .asyncIO: "async_io"
        case .lockContention: "lock_contention"
        case .memoryManagement: "memory_management"
        case .network: "network"
        case .fileSystem: "file_system"
        case .processManagement: "process_management"
        case .signalHandling: "signal_handling"
        case .timer: "timer"
        case .intendedWait: "intended_wait"
        case .other: "unknown"
        }
    }
}
