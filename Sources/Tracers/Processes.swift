import CLibBPF
import Glibc
import Model

/// What all tracers keep per thread: owns the task storage, walks it once a tick, and receives the numbers of threads
/// that end.
final class Processes {
    private let object: BPFObject
    private let walkControl: MappedSection
    private let globals: MappedSection
    private let ledgerSlots: PerCPUArray
    private let exits: RingReader.Queue
    private let iterator: OpaquePointer
    private var table = ThreadTable()
    private var lostExits: UInt64 = 0
    /// Whether the next walk has to report threads that did not move as well.
    private var reportsEverything = false

    /// Loads and attaches.
    /// - Parameter ringBytes: room for exit records (456 bytes each) between two drains.
    init(rings: RingReader, ringBytes: Int, runningThresholdNanoseconds: UInt64) throws(LoadFailure) {
        object = try BPFObject("processes", image: BPFImage.processes)
        object.setRoom(of: "events", to: ringBytes)
        object.setConstant("call_waits", to: SyscallTable.kinds.map { UInt8(($0?.wait ?? WAIT_MEANT).rawValue) })
        try object.load()
        walkControl = try object.section(".data.walk")
        globals = try object.section(".bss")
        ledgerSlots = object.perCPUArray("ledger")
        exits = try rings.add(
            ring: object.descriptor(of: "events"), recordSize: MemoryLayout<thread_record>.stride,
            limit: Self.exitLimit)
        ks_log_start()
        let link = object.program("threads").flatMap { bpf_program__attach_iter($0, nil) }
        let code = errno
        let log = String(cString: ks_log_stop())
        guard let link else { throw LoadFailure("attaching iter/task", errno: code, log: log) }
        iterator = link
        set(\.running_threshold_ns, to: runningThresholdNanoseconds)
        try object.attach("sched_process_exit")
    }

    deinit { bpf_link__destroy(iterator) }

    /// Exits kept between two ticks: 30 MB at 456 bytes.
    private static let exitLimit = 65_536

    /// The map for the tracers to share.
    var tasks: Int32 { object.descriptor(of: "tasks") }

    var hooks: [String] { ["iter/task"] + object.hooks }

    /// When the scheduler's hooks began to keep sleeps, in kernel time; 0 if they do not.
    var schedulerSince: UInt64 = 0 {
        didSet { set(\.scheduler_since_ns, to: schedulerSince) }
    }

    /// What one walk found.
    struct Walk {
        var processes: [ProcessSum]
        /// Threads in a call that stalls.
        var hanging: [thread_header]
    }

    /// What happened since the last call. `drain` empties the ring buffers; it runs after the walk, because an exit
    /// record must not be forgotten before an older record of the same thread is seen.
    func read(epoch: UInt64, drain: () -> Void) -> Walk {
        let lost = exitLedger.lostMapFull + exits.dropped
        let complete = lost != lostExits || reportsEverything
        lostExits = lost
        reportsEverything = false
        set(\.everything, to: complete ? 1 : 0)
        let (records, walked) = walk()
        drain()
        var hanging: [thread_header] = []
        ThreadTable.forEachRecord(in: records) { header, _ in if header.call_hangs != 0 { hanging.append(header) } }
        let sums = table.advance(
            walk: records, exits: exits.take(), walkIsComplete: complete && walked, epoch: epoch)
        return Walk(processes: sums, hanging: hanging)
    }

    /// Calls that threads are in, counted once and for all: an exit that comes later counts none of them as abandoned.
    /// For when the syscall hooks are off.
    func claimCalls() -> UInt64 {
        set(\.claim_calls, to: 1)
        _ = walk()
        set(\.claim_calls, to: 0)
        // What this walk reported, nobody has read.
        reportsEverything = true
        return globals[object.offset(of: "claimed_calls", in: ".bss"), as: UInt64.self]
    }

    /// The exit hook's runs: aggregated is a record sent, lostMapFull one that found no room.
    var exitLedger: Ledger {
        var ledger = Ledger()
        let slot = exitSlot
        ledger.seen = slot.seen
        (ledger.aggregated, ledger.filtered) = (slot.outcomes.0, slot.outcomes.1)
        (ledger.lostStorage, ledger.lostMapFull) = (slot.outcomes.2, slot.outcomes.3)
        ledger.abandoned = slot.abandoned
        ledger.recursionMisses = object.recursionMisses
        ledger.droppedInUserSpace = exits.dropped
        return ledger
    }

    /// What the exit hook costs, and the bytes of these maps without the task storage's elements.
    var cost: TracerCost {
        var cost = TracerCost()
        let slot = exitSlot
        (cost.runs, cost.timedRuns, cost.timedNanoseconds) = (slot.seen, slot.timed_runs, slot.timed_ns)
        cost.mapBytes = object.mapBytes
        return cost
    }

    func detach() { object.detach() }

    private var exitSlot: hook_ledger {
        ledgerSlots.refresh()
        return ledgerSlots.sum(0).withUnsafeBytes { $0.load(as: hook_ledger.self) }
    }

    /// Runs the iterator to its end; whether it got there.
    private func walk() -> (records: [UInt8], complete: Bool) {
        let descriptor = bpf_iter_create(bpf_link__fd(iterator))
        guard descriptor >= 0 else { return ([], false) }
        defer { close(descriptor) }
        var records: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 {
                records.append(contentsOf: chunk.prefix(count))
            } else if count == 0 {
                return (records, true)
            } else if errno != EINTR && errno != EAGAIN {
                return (records, false)
            }
        }
    }

    private func set<Value: FixedWidthInteger & BitwiseCopyable>(_ field: KeyPath<CLibBPF.walk, Value>, to value: Value)
    {
        guard let offset = MemoryLayout<CLibBPF.walk>.offset(of: field) else { return }
        walkControl[offset, as: Value.self] = value
    }
}
