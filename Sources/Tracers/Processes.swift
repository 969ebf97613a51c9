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
    private var table = ThreadTable(limit: Processes.mostThreads)
    private var lostExits: UInt64 = 0
    /// Whether the next walk has to report threads that did not move as well.
    private var reportsEverything = false
    /// Why the last walk did not get to its end.
    private(set) var walkFailure: LoadFailure?

    /// Loads and attaches.
    /// - Parameter ringBytes: room for exit records (528 bytes each) between two drains.
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
            limit: 4 * ringBytes / ThreadTable.recordSize)
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

    /// Threads whose numbers are kept: 11 MB at 352 bytes.
    private static let mostThreads = 32_768

    /// The map for the tracers to share.
    var tasks: Int32 { object.descriptor(of: "tasks") }

    var hooks: [String] { ["iter/task"] + object.hooks }

    /// When the scheduler's hooks began to keep sleeps, in kernel time; 0 if they do not.
    var schedulerSince: UInt64 = 0 {
        didSet {
            set(\.scheduler_since_ns, to: schedulerSince)
            // Stretches were in the last reports that will not be counted any more.
            if schedulerSince == 0, oldValue != 0 { reportsEverything = true }
        }
    }

    /// Since when the end of every call is seen, in kernel time; 0 if it is not.
    var callsSince: UInt64 = 0 {
        didSet { set(\.calls_since_ns, to: callsSince) }
    }

    /// Number of the tick: maxima belong to one.
    var epoch: UInt64 = 0 {
        didSet { set(\.epoch, to: epoch) }
    }

    /// What one walk found.
    struct Walk {
        var processes: [ProcessSum]
        /// Threads in a call that stalls.
        var hanging: [thread_header]
    }

    /// What happened since the last call, or `nil` when the threads could not be walked; the next call then tells it.
    /// `drain` empties the ring buffers; it runs after the walk, because a thread must not be forgotten before an older
    /// record of it is seen.
    func read(drain: () -> Void) -> Walk? {
        let lost = exitSlot.count(LOST_MAP_FULL) + exits.dropped
        let everything = lost != lostExits || reportsEverything
        lostExits = lost
        set(\.everything, to: everything ? 1 : 0)
        var hanging: [thread_header] = []
        let walked = walk { if $0.call_hangs != 0 { hanging.append($0) } }
        drain()
        reportsEverything = everything && !walked
        guard walked else { return nil }
        exits.take().withUnsafeBytes { table.add($0, epoch: epoch) }
        if everything { table.forgetUnseen() }
        return Walk(processes: table.take(), hanging: hanging)
    }

    /// Calls that threads are in, counted once and for all: an exit that comes later counts none of them as abandoned.
    /// For when the syscall hooks are off.
    func claimCalls() -> UInt64 {
        let offset = object.offset(of: "claimed_calls", in: ".bss")
        let before = globals[offset, as: UInt64.self]
        set(\.claim_calls, to: 1)
        walk()
        set(\.claim_calls, to: 0)
        return globals[offset, as: UInt64.self] - before
    }

    /// Calls that ended with their thread.
    var abandonedCalls: UInt64 { exitSlot.abandoned }

    /// Threads that have task storage, as of the last walk.
    var threads: Int {
        Int(clamping: globals[object.offset(of: "threads_with_state", in: ".bss"), as: UInt64.self])
    }

    /// The exit hook's runs, what exit records met in user space, and what it costs, with the bytes of these maps and of what each
    /// thread has in them.
    func account() -> (ledger: Ledger, cost: TracerCost) {
        var (ledger, cost) = (Ledger(), TracerCost())
        let slot = exitSlot
        ledger.seen = slot.seen
        (ledger.aggregated, ledger.filtered) = (slot.count(AGGREGATED), slot.count(FILTERED))
        (ledger.lostStorage, ledger.lostMapFull) = (slot.count(LOST_STORAGE), slot.count(LOST_MAP_FULL))
        ledger.recursionMisses = object.recursionMisses
        ledger.droppedInUserSpace = exits.dropped + table.unknown
        (cost.runs, cost.timedRuns, cost.timedNanoseconds) = (slot.seen, slot.timed_runs, slot.timed_ns)
        cost.mapBytes = object.mapBytes + MapMemory.taskStorage(threads: threads)
        return (ledger, cost)
    }

    func detach() { object.detach() }

    private var exitSlot: hook_ledger {
        ledgerSlots.refresh()
        return ledgerSlots.sum(0).withUnsafeBytes { $0.load(as: hook_ledger.self) }
    }

    /// Runs the iterator to its end and takes in what it reports, piece by piece; whether it got there.
    @discardableResult
    private func walk(_ look: (thread_header) -> Void = { _ in }) -> Bool {
        walkFailure = nil
        globals[object.offset(of: "threads_with_state", in: ".bss"), as: UInt64.self] = 0
        table.beginWalk(at: KernelClock.now().monotonicNanoseconds, hasStretches: schedulerSince != 0)
        let descriptor = bpf_iter_create(bpf_link__fd(iterator))
        guard descriptor >= 0 else { return failWalk(errno) }
        defer { close(descriptor) }
        // The kernel gives eight pages at most; where pages are larger, a record may be cut in two.
        return withUnsafeTemporaryAllocation(byteCount: 32_768, alignment: 8) { buffer in
            var filled = 0
            while true {
                let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let count = Glibc.read(descriptor, room.baseAddress, room.count)
                if count == 0 { return true }
                if count < 0 {
                    if errno == EINTR || errno == EAGAIN { continue }
                    return failWalk(errno)
                }
                filled += count
                let whole = filled - filled % ThreadTable.recordSize
                let records = UnsafeRawBufferPointer(rebasing: buffer[..<whole])
                table.add(records, epoch: epoch)
                for start in stride(from: 0, to: whole, by: ThreadTable.recordSize) {
                    look(records.load(fromByteOffset: start, as: thread_header.self))
                }
                filled -= whole
                if let start = buffer.baseAddress { memmove(start, start + whole, filled) }
            }
        }
    }

    private func failWalk(_ code: Int32) -> Bool {
        walkFailure = LoadFailure("walking the threads", errno: code, log: "")
        return false
    }

    private func set<Value: FixedWidthInteger & BitwiseCopyable>(_ field: KeyPath<CLibBPF.walk, Value>, to value: Value)
    {
        guard let offset = MemoryLayout<CLibBPF.walk>.offset(of: field) else { return }
        walkControl[offset, as: Value.self] = value
    }
}
