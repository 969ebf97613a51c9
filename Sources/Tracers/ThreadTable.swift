import CLibBPF
import Model

/// Turns what threads counted since they were first seen into what processes did in a tick.
///
/// The kernel's numbers only grow, so the table keeps the highest that each thread has reported and subtracts. A thread
/// stays in the table until its exit record comes; when one was lost, a walk over everything shows who is still there.
struct ThreadTable {
    /// Words of `struct task_counters`, in its order, and after them those of `struct sched_clocks`.
    static let clockWords = MemoryLayout<task_counters>.size / 8
    static let counterWords = clockWords + MemoryLayout<sched_clocks>.size / 8
    /// Of each word whether a stretch that goes on is added to it.
    private static let isStretch: [Bool] = {
        let stretches = [\task_counters.cpu_ns, \.wait_ns, \.blocked_ns, \.memory_stall_ns].map {
            MemoryLayout<task_counters>.offset(of: $0)
        }
        return (0..<counterWords).map { stretches.contains(8 * $0) }
    }()
    private static let waitsWord = (MemoryLayout<sched_clocks>.offset(of: \.waits) ?? 0) / 8
    static let recordSize = MemoryLayout<thread_record>.stride
    private static let headerSize = MemoryLayout<thread_header>.size

    /// Threads that are followed at most.
    private let limit: Int
    /// Where a thread's numbers are, by its id.
    private var slots: [UInt64: Int] = [:]
    /// `counterWords` for each slot, and the walk that reported it last.
    private var numbers: [UInt64] = []
    private var lastSeen: [UInt64] = []
    private var freeSlots: [Int] = []
    private var walk: UInt64 = 0
    /// When this walk and the one before began, in kernel time.
    private var began = UInt64.max
    private var lastBegan = UInt64.max
    /// Whether reports have the stretch that a thread is in on top of what has ended.
    private var hasStretches = false
    /// The highest id so far. The kernel gives them out in rising order, so a higher one is a thread's first report.
    private var newest: UInt64 = 0
    private var sums: [ProcessIdentity: ProcessSum] = [:]

    /// Reports of threads that were not in the table, for want of room or because they had been forgotten: what they did
    /// since the report before is not known, and not in the sums.
    private(set) var unknown: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// Threads that are being followed.
    var count: Int { slots.count }

    /// What comes from now on is another walk's, which begins at `now` in kernel time.
    /// - Parameter hasStretches: whether the scheduler's hooks see every thread. A stretch that was reported when they stopped is
    ///   never counted, so that from then on the counters as they are count.
    mutating func beginWalk(at now: UInt64, hasStretches: Bool) {
        walk += 1
        self.hasStretches = hasStretches
        (lastBegan, began) = (began, now)
    }

    /// Takes in records, one after the other: those of a walk, and, after the walk, those of threads that ended.
    /// - Parameter epoch: the tick that maxima must belong to.
    mutating func add(_ records: UnsafeRawBufferPointer, epoch: UInt64) {
        var grown = [UInt64](repeating: 0, count: Self.counterWords)
        var highest = grown
        for start in stride(from: 0, through: records.count - Self.recordSize, by: Self.recordSize) {
            let header = records.loadUnaligned(fromByteOffset: start, as: thread_header.self)
            let slot = slots[header.state]
            // 0 is a thread that ended before any report.
            let isNew = header.state == 0 || header.state > newest
            newest = max(newest, header.state)
            if slot == nil, !isNew { unknown += 1 }
            // The hooks count from the first time that they see a thread, the scheduler from when it started.
            let isYoung = isNew && header.started_ns >= lastBegan
            for word in grown.indices {
                let now = records.loadUnaligned(fromByteOffset: start + Self.headerSize + 8 * word, as: UInt64.self)
                let isKnown = word < Self.clockWords ? isNew : isYoung
                let before = slot.map { numbers[$0 * Self.counterWords + word] } ?? (isKnown ? 0 : now)
                // A report from the middle of a switch lacks the time that has just ended; the next one has it.
                highest[word] = hasStretches || !Self.isStretch[word] ? max(now, before) : now
                grown[word] = max(now, before) - before
            }
            sums[ProcessIdentity(header.task), default: ProcessSum(header)].add(
                header, grown, hasClocks: highest[Self.clockWords + Self.waitsWord] > 0, epoch: epoch)
            if header.ended != 0 {
                forget(header.state)
            } else if let slot = slot ?? freeSlot(for: header.state) {
                numbers.replaceSubrange(slot * Self.counterWords..<(slot + 1) * Self.counterWords, with: highest)
                lastSeen[slot] = walk
            }
        }
    }

    /// Forgets the threads that the last walk did not report. Only for when it was one over everything, and after the
    /// exits: whoever ended before it still has its last numbers to come.
    mutating func forgetUnseen() {
        for (id, slot) in slots where lastSeen[slot] != walk { forget(id) }
    }

    /// What the processes did since the last call.
    mutating func take() -> [ProcessSum] {
        defer { sums = [:] }
        return Array(sums.values)
    }

    private mutating func freeSlot(for id: UInt64) -> Int? {
        guard slots.count < limit else { return nil }
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = lastSeen.count
            lastSeen.append(0)
            numbers.append(contentsOf: repeatElement(0, count: Self.counterWords))
        }
        slots[id] = slot
        return slot
    }

    private mutating func forget(_ id: UInt64) {
        if let slot = slots.removeValue(forKey: id) { freeSlots.append(slot) }
    }
}

/// One process's numbers in a tick, all threads together.
struct ProcessSum {
    private var header: thread_header
    private var counters = [UInt64](repeating: 0, count: ThreadTable.counterWords)
    private var longestWait = LongestWait()
    /// Whether the scheduler keeps clocks of waits: who has run has waited, if only for a moment.
    private var hasClocks = false
    /// By those clocks, the thread that waited most, and how many CPUs it may run on.
    private var mostWaited: (nanoseconds: UInt64, allowedCPUs: Int)?
    private var comesLast = true
    private var exited = false
    private var killed = false

    fileprivate init(_ header: thread_header) { self.header = header }

    fileprivate mutating func add(_ thread: thread_header, _ more: [UInt64], hasClocks: Bool, epoch: UInt64) {
        // The leader speaks for the process.
        if thread.task.tid == thread.task.pid { header = thread }
        for word in counters.indices { counters[word] &+= more[word] }
        self.hasClocks = self.hasClocks || hasClocks
        if let waited = more.last, waited > mostWaited?.nanoseconds ?? 0 {
            mostWaited = (waited, Int(thread.allowed_cpus))
        }
        if thread.longest_wait_epoch == epoch, thread.longest_wait_ns > longestWait.nanoseconds {
            longestWait = LongestWait(thread)
        }
        comesLast = comesLast && CPUPriority(nice: Int(thread.nice), policy: UInt32(thread.policy)).comesLast
        exited = exited || thread.ended >= 2
        killed = killed || thread.ended == 3
    }

    /// Of the thread that waited longest for a CPU.
    fileprivate struct LongestWait {
        var nanoseconds: UInt64 = 0
        var behind: Int32?
        var allowedCPUs: Int?

        init() {}

        init(_ thread: thread_header) {
            nanoseconds = thread.longest_wait_ns
            behind = thread.longest_wait_behind < 0 ? nil : thread.longest_wait_behind
            allowedCPUs = Int(thread.allowed_cpus)
        }
    }

    /// With the parts that somebody measured.
    /// - Parameter knowsStalls: whether the kernel says of a thread that it stalls on memory.
    func activity(measuredBy tracers: Set<TracerName>, knowsStalls: Bool) -> ProcessActivity {
        let (sum, clocks) = counters.withUnsafeBytes {
            (
                $0.load(as: task_counters.self),
                $0.load(fromByteOffset: 8 * ThreadTable.clockWords, as: sched_clocks.self)
            )
        }
        var activity = ProcessActivity(
            identity: ProcessIdentity(header.task), parent: Int32(bitPattern: header.parent),
            processGroup: Int32(bitPattern: header.process_group), session: Int32(bitPattern: header.session),
            workerOf: Int32(bitPattern: header.worker_of), uid: header.task.uid, cgroup: header.task.cgroup,
            comm: withUnsafeBytes(of: header.task.comm, text), threads: Int(header.threads),
            isKernelThread: header.kernel_thread != 0,
            comesLast: comesLast, exited: exited, killed: killed)
        if tracers.contains(.syscall) { activity.calls = calls }
        if tracers.contains(.scheduler) {
            activity.scheduling = .init(sum, longestWait: longestWait, knowsStalls: knowsStalls)
        } else if hasClocks {
            activity.scheduling = .init(clocks, allowedCPUs: mostWaited?.allowedCPUs)
        }
        activity.scheduling?.mostWaitedNanoseconds = mostWaited?.nanoseconds
        if tracers.contains(.pageFault) { activity.faults = .init(sum) }
        if tracers.contains(.blockIO) { activity.blockIO = .init(sum) }
        return activity
    }

    /// The first words of the counters: a count and a latency per category.
    private var calls: [SyscallCategory: ProcessActivity.Calls] {
        var calls: [SyscallCategory: ProcessActivity.Calls] = [:]
        for category in SyscallCategory.allCases where counters[2 * category.rawValue] > 0 {
            calls[category] = .init(
                count: counters[2 * category.rawValue], latencyNanoseconds: counters[2 * category.rawValue + 1])
        }
        return calls
    }
}

extension ProcessActivity.Scheduling {
    fileprivate init(_ sum: task_counters, longestWait: ProcessSum.LongestWait, knowsStalls: Bool) {
        self.init()
        cpuNanoseconds = sum.cpu_ns
        voluntarySwitches = sum.voluntary
        involuntarySwitches = sum.involuntary
        wakeups = sum.wakeups
        waits = sum.waits
        waitNanoseconds = sum.wait_ns
        longestWaitNanoseconds = longestWait.nanoseconds
        longestWaitBehind = longestWait.behind
        allowedCPUs = longestWait.allowedCPUs
        blockedNanoseconds = sum.blocked_ns
        sleptNanoseconds = sum.slept_ns
        memoryStallNanoseconds = knowsStalls ? sum.memory_stall_ns : nil
    }
}

extension ProcessActivity.Scheduling {
    fileprivate init(_ clocks: sched_clocks, allowedCPUs: Int?) {
        self.init()
        cpuNanoseconds = clocks.cpu_ns
        voluntarySwitches = clocks.voluntary
        involuntarySwitches = clocks.involuntary
        wakeups = nil
        waits = clocks.waits
        waitNanoseconds = clocks.wait_ns
        longestWaitNanoseconds = nil
        self.allowedCPUs = allowedCPUs
        blockedNanoseconds = nil
        sleptNanoseconds = nil
        memoryStallNanoseconds = nil
    }
}

extension ProcessActivity.Faults {
    fileprivate init(_ sum: task_counters) {
        self.init()
        minor = sum.minor_faults
        major = sum.major_faults
        latencyNanoseconds = sum.fault_ns
        majorLatencyNanoseconds = sum.major_fault_ns
    }
}

extension ProcessActivity.BlockIO {
    fileprivate init(_ sum: task_counters) {
        self.init()
        reads = sum.reads
        readBytes = sum.read_bytes
        writes = sum.writes
        writeBytes = sum.write_bytes
    }
}
