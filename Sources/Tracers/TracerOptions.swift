import Model

/// What to load, and how much each tracer may use.
public struct TracerOptions: Sendable {
    public var enabled: Set<TracerName>
    private var limits: [TracerName: TracerLimits]
    /// Bytes of the ring buffer that exit records come through: a power of two and a multiple of the page size.
    public var exitRingBytes: Int

    /// The defaults: all four tracers.
    public init(enabled: Set<TracerName> = Set(TracerName.allCases)) {
        self.enabled = enabled
        exitRingBytes = 512 * 1024
        limits = [
            .syscall: TracerLimits(
                eventsPerSecond: 1000, eventThresholdNanoseconds: 10_000_000, ringBytes: 128 * 1024),
            .scheduler: TracerLimits(
                eventsPerSecond: 500, eventThresholdNanoseconds: 10_000_000, ringBytes: 64 * 1024),
            .pageFault: TracerLimits(
                eventsPerSecond: 200, eventThresholdNanoseconds: 1_000_000, ringBytes: 32 * 1024),
            .blockIO: TracerLimits(
                eventsPerSecond: 100, eventThresholdNanoseconds: 10_000_000, ringBytes: 32 * 1024),
        ]
    }

    /// One tracer's limits.
    public func limits(of name: TracerName) -> TracerLimits {
        limits[name] ?? TracerLimits(eventsPerSecond: 0, eventThresholdNanoseconds: .max, ringBytes: 4096)
    }

    /// Changes one tracer's limits.
    public mutating func set(_ name: TracerName, _ change: (inout TracerLimits) -> Void) {
        var changed = limits(of: name)
        change(&changed)
        limits[name] = changed
    }
}
