import CLibBPF
import Model

/// One of the four tracers, attached. `docs/tracers/README.md` says how to write one.
protocol Tracer: AnyObject {
    associatedtype Reading
    static var name: TracerName { get }
    /// What the same questions are answered from while it does not run.
    static var fallback: String { get }

    var program: TracerProgram { get }

    /// Loads and attaches.
    init(host: TracerHost, limits: TracerLimits) throws(LoadFailure)

    /// What happened since the last call; `nil`, where `Reading` allows it, leaves it to the next one. Events come from
    /// `program.takeEvents()`.
    func read(clock: KernelClock) -> Reading

    /// Things begun and not ended, counted anew and not from the ledger, and forgotten; called when the hooks are off.
    ///
    /// - Parameter last: Whether they never come back.
    func claim(last: Bool) -> UInt64
}

/// What all tracers share in this process.
struct TracerHost {
    /// The map `tasks` of `processes.bpf.c`.
    var tasks: Int32
    var rings: RingReader
}

/// What a tracer may use. Tests make it tiny to see losses counted.
public struct TracerLimits: Sendable, Equatable {
    /// Events per second; 0 sends none.
    public var eventsPerSecond: Int
    /// Latency in ns from which a single case is an event.
    public var eventThresholdNanoseconds: UInt64
    /// Bytes of the ring buffer: a power of two and a multiple of the page size.
    public var ringBytes: Int
    /// Entries of a map whose need depends on the load; block requests in flight.
    public var mapEntries: Int

    public init(
        eventsPerSecond: Int, eventThresholdNanoseconds: UInt64, ringBytes: Int, mapEntries: Int = 2048
    ) {
        self.eventsPerSecond = eventsPerSecond
        self.eventThresholdNanoseconds = eventThresholdNanoseconds
        self.ringBytes = ringBytes
        self.mapEntries = mapEntries
    }
}
