/// What a tracer may send when `config.yaml` does not say.
extension TracerName {
    public var defaultEventsPerSecond: Int {
        switch self {
        case .syscall: 1000
        case .scheduler: 500
        case .pageFault: 200
        case .blockIO: 100
        }
    }

    /// What makes a single case an event.
    public var defaultThresholdMilliseconds: Double {
        switch self {
        case .syscall, .scheduler, .blockIO: 10
        case .pageFault: 1
        }
    }
}
