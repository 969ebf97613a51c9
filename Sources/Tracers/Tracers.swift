import CLibBPF
import Glibc
import Model

/// The kernel side, whole: loads what it can, reads it once a tick, and lets go of it.
///
/// Not to be used from two threads at once; the collector's tick owns it.
public final class Tracers {
    let rings = RingReader()
    private let processes: Processes?
    private let syscalls: SyscallTracer?
    private let scheduler: SchedulerTracer?
    private let pageFaults: PageFaultTracer?
    private let blockIO: BlockIOTracer?
    private let options: TracerOptions
    private var failures: [TracerName: LoadFailure] = [:]
    private let processesFailure: LoadFailure?
    private var epoch: UInt64 = 1
    /// Things in flight when the hooks came off.
    private var inFlight: [TracerName: UInt64]?

    /// `/proc/pressure` is there if the kernel keeps PSI.
    private let knowsStalls = access("/proc/pressure/memory", F_OK) == 0

    /// Loads and attaches the enabled tracers. One that cannot run is in `statuses()` with its reason; the others go on.
    public init(_ options: TracerOptions = TracerOptions()) {
        self.options = options
        var failures: [TracerName: LoadFailure] = [:]
        var host: TracerHost?
        do throws(LoadFailure) {
            let shared =
                options.enabled.isEmpty
                ? nil
                : try Processes(
                    rings: rings, ringBytes: options.exitRingBytes,
                    runningThresholdNanoseconds: options.limits(of: .syscall).eventThresholdNanoseconds)
            if let shared { host = TracerHost(tasks: shared.tasks, rings: rings) }
            processes = shared
            processesFailure = nil
        } catch {
            // Without the shared state no tracer runs.
            processes = nil
            processesFailure = error
            for name in options.enabled { failures[name] = error }
        }
        func load<T: Tracer>(_ type: T.Type) -> T? {
            guard let host, options.enabled.contains(type.name) else { return nil }
            do throws(LoadFailure) {
                return try type.init(host: host, limits: options.limits(of: type.name))
            } catch {
                failures[type.name] = error
                return nil
            }
        }
        // The scheduler first: it has to see the whole of a call to know what the call slept.
        scheduler = load(SchedulerTracer.self)
        let since = scheduler == nil ? 0 : KernelClock.now().monotonicNanoseconds
        syscalls = load(SyscallTracer.self)
        pageFaults = load(PageFaultTracer.self)
        blockIO = load(BlockIOTracer.self)
        self.failures = failures
        syscalls?.setSchedulerSince(since)
        processes?.schedulerSince = since
        // Zero says that nobody sees them end.
        processes?.callsSince = syscalls == nil ? 0 : 1
        setEpoch(1)
        // libbpf has parsed the kernel's type information for each object; without this, 5 MB stay with us.
        malloc_trim(0)
    }

    deinit { close() }

    /// What happened since the last call (since attaching, the first time). A tracer that does not run gives `nil`. When
    /// the threads could not be walked, all of them do: nobody can tell whose it was, and the next call tells it all.
    public func read() -> TracerReadings {
        var readings = TracerReadings()
        guard let processes else { return readings }
        // Not sooner: whoever gives up capabilities after loading can do so while there is one thread.
        rings.start()
        let clock = KernelClock.now()
        guard let walk = processes.read(drain: { rings.drain() }) else { return readings }
        let running = wholeTracers
        setEpoch(epoch + 1)
        readings.processes = walk.processes.map { $0.activity(measuredBy: running, knowsStalls: knowsStalls) }
        readings.syscalls = syscalls.flatMap { reading(of: $0, clock) }
        readings.syscalls?.running = walk.hanging.map { SyscallEvent(running: $0, clock: clock) }
        readings.scheduler = scheduler.flatMap { reading(of: $0, clock) }
        readings.pageFaults = pageFaults.flatMap { reading(of: $0, clock) }
        readings.blockIO = blockIO.flatMap { reading(of: $0, clock) } ?? nil
        readings.sampled = Set(TracerName.allCases.filter { tracer($0)?.program.coverage == .sampled })
        return readings
    }

    /// `nil` while its hooks are off. What it saw until then, or in a moment's look, is left out of what comes after.
    private func reading<T: Tracer>(of tracer: T, _ clock: KernelClock) -> T.Reading? {
        let reading = tracer.read(clock: clock)
        return tracer.program.coverage == .off ? nil : reading
    }

    /// Changes a tracer's rate limit, from the next event on and without reloading anything.
    public func setEventsPerSecond(_ rate: Int, of name: TracerName) {
        tracer(name)?.program.eventsPerSecond = rate
    }

    /// Lets a tracer look at more or less, from here on. One that does not run stays as it is.
    ///
    /// Throws when its hooks, once off, cannot be attached again.
    public func set(_ coverage: Coverage, of name: TracerName) throws {
        guard inFlight == nil, let processes, let tracer = tracer(name), tracer.program.coverage != coverage else {
            return
        }
        // From here on nobody can tell; only when it is whole again, since when.
        if name == .scheduler { schedulerIsWhole(since: 0) }
        if name == .syscall { processes.callsSince = 0 }
        let since: UInt64
        do {
            since = try tracer.program.set(coverage) {
                tracer.claim(last: false) + (name == .syscall ? processes.claimCalls() : 0)
            }
        } catch {
            failures[name] = error
            throw error
        }
        if name == .scheduler { schedulerIsWhole(since: since) }
        if name == .syscall { processes.callsSince = since }
    }

    private func schedulerIsWhole(since: UInt64) {
        syscalls?.setSchedulerSince(since)
        processes?.schedulerSince = since
    }

    /// Runs of a tracer's hooks since it was loaded.
    public func runs(of name: TracerName) -> UInt64 { tracer(name)?.program.account().cost.runs ?? 0 }

    /// How each of the four does, in a fixed order.
    public func statuses() -> [TracerStatus] {
        TracerName.allCases.map { name in
            guard let tracer = tracer(name) else {
                return TracerStatus(
                    name: name, state: state(of: name), fallback: Self.fallback(for: name),
                    eventsPerSecond: options.limits(of: name).eventsPerSecond)
            }
            let (account, cost) = tracer.program.account()
            var ledger = account
            // The exit hook of `processes` counts the calls that end with their thread.
            if name == .syscall { ledger.abandoned += processes?.abandonedCalls ?? 0 }
            ledger.inFlight = inFlight?[name]
            return TracerStatus(
                name: name, state: state(of: name, attached: inFlight == nil ? .attached : .detached),
                coverage: tracer.program.coverage,
                hooks: tracer.program.object.hooks,
                fallback: Self.fallback(for: name), ledger: ledger, cost: cost,
                eventsPerSecond: tracer.program.eventsPerSecond)
        }
    }

    /// How the part does that all tracers share.
    public func processesStatus() -> ProcessesStatus {
        guard let processes else {
            return ProcessesStatus(
                state: processesFailure.map { .failed(reason: $0.reason, remedy: $0.remedy) } ?? .disabled)
        }
        let running: TracerStatus.State = inFlight == nil ? .attached : .detached
        let (ledger, cost) = processes.account()
        return ProcessesStatus(
            state: processes.walkFailure.map { .failed(reason: $0.reason, remedy: $0.remedy) } ?? running,
            hooks: processes.hooks, ledger: ledger, cost: cost, threads: processes.threads)
    }

    /// Takes all hooks off. `statuses()` still works, the ledgers then add up, and one more `read()` gives what happened
    /// until now, with the events that are left in the ring buffers.
    public func detach() {
        guard inFlight == nil, let processes else { return }
        // Who is on a CPU is not known from here on.
        processes.schedulerSince = 0
        // What starts things comes off before what ends them; exits are last, because a thread that ends takes along what
        // it was in.
        for name in TracerName.allCases { tracer(name)?.program.object.detach() }
        var inFlight: [TracerName: UInt64] = [:]
        for name in TracerName.allCases { inFlight[name] = tracer(name)?.claim(last: true) }
        inFlight[.syscall] = processes.claimCalls()
        processes.detach()
        self.inFlight = inFlight
    }

    /// Detaches and stops reading. Nothing is measured from here on.
    public func close() {
        detach()
        rings.close()
    }

    /// Those whose numbers of processes are complete.
    private var wholeTracers: Set<TracerName> {
        Set(TracerName.allCases.filter { tracer($0)?.program.coverage == .full })
    }

    private func tracer(_ name: TracerName) -> (any Tracer)? {
        switch name {
        case .syscall: syscalls
        case .scheduler: scheduler
        case .pageFault: pageFaults
        case .blockIO: blockIO
        }
    }

    private func state(
        of name: TracerName, attached: TracerStatus.State = .disabled
    ) -> TracerStatus.State {
        guard options.enabled.contains(name), let failure = failures[name] else { return attached }
        return .failed(reason: failure.reason, remedy: failure.remedy)
    }

    private static func fallback(for name: TracerName) -> String {
        switch name {
        case .syscall: SyscallTracer.fallback
        case .scheduler: SchedulerTracer.fallback
        case .pageFault: PageFaultTracer.fallback
        case .blockIO: BlockIOTracer.fallback
        }
    }

    private func setEpoch(_ epoch: UInt64) {
        self.epoch = epoch
        processes?.epoch = epoch
        for name in TracerName.allCases {
            guard let program = tracer(name)?.program else { continue }
            program.set(\.epoch, to: epoch)
            program.takeTurn(epoch)
        }
    }
}

/// One tick of the kernel side.
public struct TracerReadings: Sendable {
    public var syscalls: SyscallReading?
    public var scheduler: SchedulerReading?
    public var pageFaults: PageFaultReading?
    public var blockIO: BlockIOReading?
    /// Tracers whose readings are samples.
    public var sampled: Set<TracerName> = []
    /// Every process whose numbers moved, in no order.
    public var processes: [ProcessActivity] = []

    public init() {}
}
