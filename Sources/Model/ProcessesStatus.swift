/// How the part does that all tracers share: the walk over all threads once a tick, the hook that hands over the numbers of
/// a thread that ends, and the memory that each thread has for them.
public struct ProcessesStatus: Sendable {
    public var state: TracerStatus.State
    public var hooks: [String]
    /// The exit hook's runs: `aggregated` sent a record, `filtered` had nothing to send, `lostMapFull` found no room in
    /// the ring buffer. `droppedInUserSpace` are records that found no room in the collector, and reports of threads
    /// that it did not follow.
    public var ledger: Ledger
    /// The exit hook's runs, and all memory that grows with the threads. The walk runs in the collector's own time.
    public var cost: TracerCost
    /// Threads that have been met, by a hook or by the walk, and that are there, as of the last walk.
    public var threads: Int

    public init(
        state: TracerStatus.State, hooks: [String] = [], ledger: Ledger = Ledger(), cost: TracerCost = TracerCost(),
        threads: Int = 0
    ) {
        self.state = state
        self.hooks = hooks
        self.ledger = ledger
        self.cost = cost
        self.threads = threads
    }
}
