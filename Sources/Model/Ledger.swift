/// What became of everything a tracer's hooks saw, since they were attached. Three flows, each of which adds up exactly
/// once the hooks are quiet (while they fire, the counters of different CPUs are read at different moments).
public struct Ledger: Hashable, Sendable, Codable {
    /// Hook runs: `seen = aggregated + filtered + unsampled + lostStorage + lostMapFull + lostStartMissing`.
    public var seen: UInt64 = 0
    /// Counted into an aggregate.
    public var aggregated: UInt64 = 0
    /// Not meant to be counted: the idle task, a child's return from fork, a device that is left out.
    public var filtered: UInt64 = 0
    /// In a thread whose turn it was not, while one in sixteen is measured.
    public var unsampled: UInt64 = 0
    /// Task storage could not be had.
    public var lostStorage: UInt64 = 0
    /// A map had no room.
    public var lostMapFull: UInt64 = 0
    /// An end whose start was not seen, because the tracer was attached in between or the start was lost.
    public var lostStartMissing: UInt64 = 0

    /// Things with a start and an end (calls, block requests, faults): `entered = exited + inFlight + abandoned`.
    public var entered: UInt64 = 0
    public var exited: UInt64 = 0
    /// Started and not ended: counted once the hooks are off, `nil` before.
    public var inFlight: UInt64?
    /// Will never end, or nobody will see it: `exit_group` does not return, hooks come off, a thread's turn is over.
    public var abandoned: UInt64 = 0

    /// Events: `candidates = emitted + sampledOut + ringBufferFull`.
    public var candidates: UInt64 = 0
    public var emitted: UInt64 = 0
    /// Beyond the configured events per second.
    public var sampledOut: UInt64 = 0
    public var ringBufferFull: UInt64 = 0
    /// `emitted = stored + droppedInUserSpace` (and what is on its way to the store).
    public var stored: UInt64 = 0
    public var droppedInUserSpace: UInt64 = 0

    /// Hook runs that the kernel skipped because a BPF program was already running on that CPU. Not part of `seen`.
    public var recursionMisses: UInt64 = 0

    /// All zero.
    public init() {}

    /// Everything that was seen and is missing from the aggregates.
    public var lost: UInt64 { lostStorage + lostMapFull + lostStartMissing }

    /// Whether the hook runs add up.
    public var runsAddUp: Bool { seen == aggregated + filtered + unsampled + lost }
    /// Whether the calls add up; as long as nobody has counted those in flight, they do not.
    public var callsAddUp: Bool { inFlight.map { entered == exited + $0 + abandoned } ?? false }
    /// Whether the events add up, inside the kernel.
    public var eventsAddUp: Bool { candidates == emitted + sampledOut + ringBufferFull }
}
