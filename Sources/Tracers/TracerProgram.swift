import CLibBPF
import Model

/// What every tracer's BPF object has: the shared task storage, an `events` ring buffer, a `ledger` with a slot per hook,
/// and a `control` that can be turned while it runs.
final class TracerProgram {
    let object: BPFObject
    let queue: RingReader.Queue
    private let control: MappedSection
    private let ledgerSlots: PerCPUArray
    private let attach: (BPFObject) throws(LoadFailure) -> Void
    private(set) var coverage = Coverage.full
    /// What was under way when the hooks came off.
    private var cutOff: UInt64 = 0

    /// Opens, configures, loads and attaches.
    /// - Parameters:
    ///   - eventSize: bytes of the event record.
    ///   - configure: sets constants and map sizes before loading.
    ///   - attach: attaches the programs; what ends something first, so that whatever is seen to start is seen to end.
    init(
        _ name: TracerName, image: [UInt8], eventSize: Int, host: TracerHost, limits: TracerLimits,
        configure: (BPFObject) throws(LoadFailure) -> Void = { _ in },
        attach: @escaping (BPFObject) throws(LoadFailure) -> Void
    ) throws(LoadFailure) {
        self.attach = attach
        object = try BPFObject(name.rawValue, image: image)
        try object.reuse("tasks", descriptor: host.tasks)
        object.setRoom(of: "events", to: limits.ringBytes)
        try configure(object)
        try object.load()
        control = try object.section(".data.control")
        ledgerSlots = object.perCPUArray("ledger")
        eventsPerSecond = limits.eventsPerSecond
        control.set(\.event_threshold_ns, to: limits.eventThresholdNanoseconds)
        control.set(\.event_interval_ns, to: Self.interval(limits.eventsPerSecond))
        control.set(\.measured_since_ns, to: KernelClock.now().monotonicNanoseconds)
        try attach(object)
        // What the ring holds twice over, and a second at the full rate.
        queue = try host.rings.add(
            ring: object.descriptor(of: "events"), recordSize: eventSize,
            limit: max(limits.eventsPerSecond, 2 * limits.ringBytes / eventSize))
    }

    /// Events per second that the token bucket lets through; takes effect with the next event.
    var eventsPerSecond: Int {
        didSet {
            control.set(\.event_interval_ns, to: Self.interval(eventsPerSecond))
            queue.limit = max(queue.limit, eventsPerSecond)
        }
    }

    private static func interval(_ eventsPerSecond: Int) -> UInt64 {
        eventsPerSecond > 0 ? 1_000_000_000 / UInt64(eventsPerSecond) : 0
    }

    /// One thread in so many is measured when not all are. A power of two.
    private static let sampleSize: UInt64 = 16

    /// Looks at more or less from here on. Returns since when everything is measured, in kernel time; 0 if it is not.
    ///
    /// - Parameter claim: Counts what is under way, once the hooks are off.
    func set(_ new: Coverage, claim: () -> UInt64) throws(LoadFailure) -> UInt64 {
        let now = KernelClock.now().monotonicNanoseconds
        if new == .off, coverage != .off {
            object.detach()
            cutOff += claim()
        }
        control.set(\.measured_since_ns, to: now)
        control.set(\.sample_mask, to: new == .full ? 0 : Self.sampleSize - 1)
        if new != .off, coverage == .off {
            do { try attach(object) } catch {
                object.detach()
                cutOff += claim()
                throw error
            }
        }
        coverage = new
        return new == .full ? now : 0
    }

    /// Another sixteenth of the threads has its turn.
    func takeTurn(_ number: UInt64) {
        guard coverage == .sampled else { return }
        control.set(\.measured_since_ns, to: KernelClock.now().monotonicNanoseconds)
        // Neighbours among pids do the same thing more often than others: their turns are apart.
        control.set(\.sample_turn, to: number &* 7 % Self.sampleSize)
    }

    /// Turns one field of `struct control`.
    func set(_ field: PartialKeyPath<CLibBPF.control>, to value: UInt64) { control.set(field, to: value) }

    /// The events that have come since the last call, one record after the other, `eventSize` bytes each.
    /// None while the hooks are off: what a moment's look sent is evidence of nothing.
    func takeEvents() -> [UInt8] {
        if coverage == .off { queue.discard() }
        return queue.take()
    }

    /// One hook's counters, all CPUs together, by the `HOOK_…` number of the program.
    func hook(_ index: Int) -> hook_ledger { hooks()[index] }

    private func hooks() -> [hook_ledger] {
        ledgerSlots.refresh()
        return (0..<ledgerSlots.entries).map { entry in
            ledgerSlots.sum(entry).withUnsafeBytes { $0.load(as: hook_ledger.self) }
        }
    }

    /// All hooks together, and what it cost. `inFlight`, `stored` and what the store drops are for others to add.
    func account() -> (ledger: Ledger, cost: TracerCost) {
        var ledger = Ledger()
        var cost = TracerCost()
        for hook in hooks() {
            ledger.seen += hook.seen
            ledger.aggregated += hook.count(AGGREGATED)
            ledger.filtered += hook.count(FILTERED)
            ledger.unsampled += hook.count(UNSAMPLED)
            ledger.lostStorage += hook.count(LOST_STORAGE)
            ledger.lostMapFull += hook.count(LOST_MAP_FULL)
            ledger.lostStartMissing += hook.count(LOST_START_MISSING)
            ledger.entered += hook.entered
            ledger.exited += hook.exited
            ledger.abandoned += hook.abandoned
            ledger.candidates += hook.candidates
            ledger.emitted += hook.emitted
            ledger.sampledOut += hook.sampled_out
            ledger.ringBufferFull += hook.ring_full
            cost.runs += hook.seen
            cost.timedRuns += hook.timed_runs
            cost.timedNanoseconds += hook.timed_ns
        }
        ledger.abandoned += cutOff
        ledger.recursionMisses = object.recursionMisses
        ledger.droppedInUserSpace = queue.dropped
        cost.mapBytes = object.mapBytes
        return (ledger, cost)
    }
}

extension MappedSection {
    /// Stores a field of `struct control`, whose fields are all u64.
    fileprivate func set(_ field: PartialKeyPath<CLibBPF.control>, to value: UInt64) {
        guard let offset = MemoryLayout<CLibBPF.control>.offset(of: field) else { return }
        self[offset, as: UInt64.self] = value
    }
}
