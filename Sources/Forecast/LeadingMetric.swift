import Model

/// The series whose course says where a type of signal is going.
public struct LeadingMetric: Sendable {
    /// How its points are read from the store.
    public enum Reading: Sendable, Hashable {
        /// The mean of each step.
        case mean(String)
        /// One metric by another, step for step.
        case ratio(String, by: String)
        /// The mean of each step of the device that has the highest now: `disk.busy:` and any name.
        case highest(prefix: String)
        /// A percentile of a histogram of nanoseconds, in milliseconds.
        case percentile(String, Double)
    }

    public var reading: Reading
    public var unit: String
    /// Where it can lie at all.
    public var range: ClosedRange<Double>
    /// Which thresholds it is held against.
    public var thresholds: @Sendable (Thresholds) -> Bands

    /// `nil` for types that are about single processes, of which no series are kept.
    public init?(_ type: SignalType) {
        let share = 0.0...1
        let count = 0...Double.greatestFiniteMagnitude
        switch type {
        case .memoryPressure: self.init(.mean("memory.used"), "share", share) { $0.memoryUsed }
        case .swapThrashing: self.init(.mean("swap.used"), "share", share) { $0.swapUsed }
        case .loadMismatch: self.init(.mean("pressure.cpu.some"), "share", share) { $0.cpuStall }
        case .ioCongestion: self.init(.mean("pressure.io.some"), "share", share) { $0.ioStall }
        case .blockDeviceSaturation: self.init(.highest(prefix: "disk.busy:"), "share", share) { $0.deviceBusy }
        case .networkDegradation:
            self.init(.ratio("tcp.retransmits", by: "tcp.out_segments"), "share", share) { $0.retransmits }
        case .tcpExhaustion: self.init(.mean("sockets.time_wait"), "sockets", count) { $0.timeWait }
        case .pageFault: self.init(.mean("vm.major_faults"), "1/s", count) { $0.majorFaults }
        case .syscall:
            self.init(.percentile("syscalls.latency:blocking_io", 99), "ms", count) { $0.blockingIOLatency }
        case .scheduler: return nil
        }
    }

    private init(
        _ reading: Reading, _ unit: String, _ range: ClosedRange<Double>,
        _ thresholds: @escaping @Sendable (Thresholds) -> Bands
    ) {
        self.reading = reading
        self.unit = unit
        self.range = range
        self.thresholds = thresholds
    }
}
