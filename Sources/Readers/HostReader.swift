import Model

/// Reads /proc, /sys and sock_diag once a tick.
///
/// Each source is read on its own: one that fails leaves its part `nil` and says why in ``HostReading/readers``, the others
/// go on. Those that can take long come last. Files stay open between ticks. One owner at a time calls it; it cannot be
/// copied.
public struct HostReader: ~Copyable, Sendable {
    private let clock: @Sendable () -> UInt64
    private let threadCPU: @Sendable () -> UInt64
    private var buffer = ReadBuffer()
    private var dutyCycles: [DutyCycle] = []

    private var cpu: CPUReader
    private var load: ProcFile
    private var pressure: PressureReader
    private var memory: ProcFile
    private var vm: VMReader
    private var disks: DiskReader
    private var interfaces: InterfaceReader
    private var tcp: TCPReader
    private var diag = SocketDiag()
    private var sockets: SocketReader
    private var localPorts: LocalPortReader
    private var closeWaitOwner: CloseWaitOwnerReader
    private var fileLocks: FileLockReader
    private var processes: ProcessReader

    /// - Parameters:
    ///   - root: prefix of every path, `/` for this host. sock_diag has no path: it always answers for the network
    ///     namespace of the calling thread.
    ///   - processes: how much work the process reader may do in a tick.
    ///   - closeWait: from how many sockets in CLOSE_WAIT on their owner is looked for.
    ///   - clock: monotonic nanoseconds. Every reader's rates are over its own time between two samples.
    ///   - threadCPU: nanoseconds of CPU time that the calling thread has used. A reader that takes long rests.
    public init(
        root: String = "/", processes limits: ProcessLimits = ProcessLimits(), closeWait: Int = 50,
        clock: @escaping @Sendable () -> UInt64 = MonotonicClock.now,
        threadCPU: @escaping @Sendable () -> UInt64 = MonotonicClock.threadCPU
    ) {
        let root = root.hasSuffix("/") ? String(root.dropLast()) : root
        self.clock = clock
        self.threadCPU = threadCPU
        cpu = CPUReader(root: root)
        load = ProcFile(root + "/proc/loadavg")
        pressure = PressureReader(root: root)
        memory = ProcFile(root + "/proc/meminfo")
        vm = VMReader(root: root)
        disks = DiskReader(root: root)
        interfaces = InterfaceReader(root: root)
        tcp = TCPReader(root: root)
        sockets = SocketReader(root: root)
        localPorts = LocalPortReader(root: root)
        closeWaitOwner = CloseWaitOwnerReader(root: root, least: closeWait)
        fileLocks = FileLockReader(root: root)
        processes = ProcessReader(root: root, limits: limits)
    }

    /// Everything, now. The first call has no rates, only what is true at a moment.
    ///
    /// - Parameter watching: process ids that are worth a close look whatever /proc says, most important first: those that
    ///   the tracers saw doing most. Only as many as ``ProcessLimits/detailed`` are taken.
    /// - Parameter fileLocks: whether somebody waits for a file lock, so that its holder is looked for.
    public mutating func read(watching: [Int32] = [], fileLocks wanted: Bool = false) -> HostReading {
        var run = Sweep(clock: clock, threadCPU: threadCPU, dutyCycles: dutyCycles)
        var reading = HostReading()
        reading.cpu = run("cpu") { now throws(ReaderError) in try cpu.read(&buffer, at: now) }
        reading.load = run("load") { _ throws(ReaderError) in try load.read(&buffer, LoadReading.init(parsing:)) }
        reading.pressure = run("pressure") { now throws(ReaderError) in try pressure.read(&buffer, at: now) }
        reading.memory = run("memory") { _ throws(ReaderError) in
            try memory.read(&buffer, MemoryReading.init(parsing:))
        }
        reading.vm = run("vm") { now throws(ReaderError) in try vm.read(&buffer, at: now) }
        reading.disks = run("disks") { now throws(ReaderError) in try disks.read(&buffer, at: now) }
        reading.interfaces = run("interfaces") { now throws(ReaderError) in try interfaces.read(&buffer, at: now) }
        reading.tcp = run("tcp") { now throws(ReaderError) in try tcp.read(&buffer, at: now) }
        let counts = run("sockets") { _ throws(ReaderError) in try sockets.read(&buffer, &diag) }
        // Each has its turn in every tick, as duty cycles go by position.
        let ports = run("local_ports") { now throws(ReaderError) -> LocalPortReading? in
            guard let counts else { return nil }
            return try localPorts.read(&buffer, &diag, connections: counts.connections, at: now)
        }
        let owner = run("close_wait") { now throws(ReaderError) -> SocketOwner? in
            guard let counts else { return nil }
            return try closeWaitOwner.read(&buffer, &diag, count: counts.closeWait, at: now)
        }
        reading.sockets = counts
        reading.sockets?.localPorts = ports
        reading.sockets?.closeWaitOwner = owner
        reading.fileLocks = run("locks") { _ throws(ReaderError) in
            wanted ? try fileLocks.read(&buffer) : nil
        }
        let swapping = (reading.vm?.swapInPerSecond ?? 0) > 0
        reading.processes = run("processes") { now throws(ReaderError) in
            try processes.read(&buffer, at: now, watching: watching, swapping: swapping)
        }
        reading.readers = run.timings
        dutyCycles = run.dutyCycles
        return reading
    }
}

/// One sweep: runs the readers one after another, times each, and lets no failure through.
private struct Sweep {
    let clock: @Sendable () -> UInt64
    let threadCPU: @Sendable () -> UInt64
    /// By position, as the order of the readers never changes.
    var dutyCycles: [DutyCycle]
    var timings: [ReaderTiming] = []

    mutating func callAsFunction<Reading>(
        _ name: String, _ body: (_ now: UInt64) throws(ReaderError) -> Reading?
    ) -> Reading? {
        let position = timings.count
        if position == dutyCycles.count { dutyCycles.append(DutyCycle()) }
        let start = clock()
        let rest = dutyCycles[position].rest(at: start)
        guard rest == 0 else {
            let error = ReaderError.resting(milliseconds: rest / 1_000_000 + 1)
            timings.append(ReaderTiming(name: name, nanoseconds: 0, error: error.description))
            return nil
        }
        let cpu = threadCPU()
        var reading: Reading?
        var failure: ReaderError?
        do throws(ReaderError) { reading = try body(start) } catch { failure = error }
        dutyCycles[position].ran(at: start, cpu: threadCPU() - cpu)
        timings.append(ReaderTiming(name: name, nanoseconds: clock() - start, error: failure?.description))
        return reading
    }
}
