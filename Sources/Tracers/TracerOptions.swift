import Model

/// What to load, and how much each tracer may use.
public struct TracerOptions: Sendable {
    public var enabled: Set<TracerName>
    /// What differs from the defaults.
    private var limits: [TracerName: TracerLimits] = [:]
    /// Bytes of the ring buffer that exit records come through: a power of two and a multiple of the page size.
    public var exitRingBytes: Int

    /// The defaults: all four tracers.
    public init(enabled: Set<TracerName> = Set(TracerName.allCases)) {
        self.enabled = enabled
        exitRingBytes = 512 * 1024
    }

    /// One tracer's limits.
    public func limits(of name: TracerName) -> TracerLimits {
        limits[name]
            ?? TracerLimits(
                eventsPerSecond: name.defaultEventsPerSecond,
                eventThresholdNanoseconds: UInt64(name.defaultThresholdMilliseconds * 1e6),
                ringBytes: Self.ringBytes(of: name))
    }

    /// Changes one tracer's limits.
    public mutating func set(_ name: TracerName, _ change: (inout TracerLimits) -> Void) {
        var changed = limits(of: name)
        change(&changed)
        limits[name] = changed
    }

    /// For a tick at the full rate, at the least.
    private static func ringBytes(of name: TracerName) -> Int {
        switch name {
        case .syscall: 128 * 1024
        case .scheduler: 64 * 1024
        case .pageFault, .blockIO: 32 * 1024
        }
    }
}
