/// The tables of raw events; the raw values are the table names.
public enum EventSource: String, CaseIterable, Sendable {
    case syscalls = "syscall_events"
    case scheduler = "sched_events"
    case pageFaults = "page_fault_events"
    case blockIO = "io_events"

    /// What a row takes on disk beside its `comm`, index entry included: measured on full pages, rounded up.
    var fixedBytes: Int {
        switch self {
        case .syscalls: 85
        case .scheduler: 70
        case .pageFaults: 75
        case .blockIO: 85
        }
    }
}
