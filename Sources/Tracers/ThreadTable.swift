import CLibBPF
import Model

/// Turns what threads counted since they were first seen into what processes did in a tick.
///
/// The kernel's numbers only grow, so the table keeps each thread's last ones and subtracts. A thread stays in the table
/// until its exit record comes; when one was lost, a walk over everything shows who is still there.
struct ThreadTable {
    /// Words of `struct task_counters`, in its order.
    typealias Counters = [UInt64]
    static let counterWords = MemoryLayout<task_counters>.size / 8

    private var last: [UInt64: Counters] = [:]

    /// Threads that are being followed.
    var count: Int { last.count }

    /// What the processes of these records did since the last call.
    /// - Parameters:
    ///   - walk: records of one walk, one after the other.
    ///   - exits: records of threads that ended, taken after the walk.
    ///   - walkIsComplete: the walk reported every thread; others are forgotten.
    ///   - epoch: the tick that maxima must belong to.
    mutating func advance(walk: [UInt8], exits: [UInt8], walkIsComplete: Bool, epoch: UInt64) -> [ProcessSum] {
        var sums: [ProcessIdentity: ProcessSum] = [:]
        var seen: Set<UInt64> = []
        Self.forEachRecord(in: walk) { header, counters in
            let state = header.state
            sums[ProcessIdentity(header.task), default: ProcessSum(header)]
                .add(header, difference(of: state, counters), epoch: epoch)
            last[state] = counters
            if walkIsComplete { seen.insert(state) }
        }
        if walkIsComplete { last = last.filter { seen.contains($0.key) } }
        Self.forEachRecord(in: exits) { header, counters in
            sums[ProcessIdentity(header.task), default: ProcessSum(header)]
                .add(header, difference(of: header.state, counters), epoch: epoch)
            last[header.state] = nil
        }
        return Array(sums.values)
    }

    private func difference(of state: UInt64, _ counters: Counters) -> Counters {
        guard let before = last[state] else { return counters }
        // A counter can be behind what was read before only if a record is torn; nothing is better than a huge number.
        return zip(counters, before).map { $0 >= $1 ? $0 - $1 : 0 }
    }

    static func forEachRecord(in records: [UInt8], _ body: (thread_header, Counters) -> Void) {
        let header = MemoryLayout<thread_header>.size
        let size = header + counterWords * 8
        records.withUnsafeBytes { bytes in
            for start in stride(from: 0, through: bytes.count - size, by: size) {
                let counters = (0..<counterWords).map {
                    bytes.loadUnaligned(fromByteOffset: start + header + 8 * $0, as: UInt64.self)
                }
                body(bytes.loadUnaligned(fromByteOffset: start, as: thread_header.self), counters)
            }
        }
    }
}

/// One process's numbers in a tick, all threads together.
struct ProcessSum {
    private var header: thread_header
    private var counters = ThreadTable.Counters(repeating: 0, count: ThreadTable.counterWords)
    private var longestWait: UInt64 = 0
    private var exited = false

    fileprivate init(_ header: thread_header) { self.header = header }

    fileprivate mutating func add(_ thread: thread_header, _ more: ThreadTable.Counters, epoch: UInt64) {
        // The leader speaks for the process.
        if thread.task.tid == thread.task.pid { header = thread }
        for word in counters.indices { counters[word] &+= more[word] }
        if thread.longest_wait_epoch == epoch { longestWait = max(longestWait, thread.longest_wait_ns) }
        exited = exited || thread.ended == 2
    }

    /// With the parts that somebody measured.
    func activity(measuredBy tracers: Set<TracerName>) -> ProcessActivity {
        let sum = counters.withUnsafeBytes { $0.load(as: task_counters.self) }
        var activity = ProcessActivity(
            identity: ProcessIdentity(header.task), parent: Int32(bitPattern: header.parent),
            processGroup: Int32(bitPattern: header.process_group), session: Int32(bitPattern: header.session),
            uid: header.task.uid, cgroup: header.task.cgroup, comm: withUnsafeBytes(of: header.task.comm, text),
            threads: Int(header.threads), isKernelThread: header.kernel_thread != 0, exited: exited)
        if tracers.contains(.syscall) { activity.calls = calls }
        if tracers.contains(.scheduler) { activity.scheduling = .init(sum, longestWait: longestWait) }
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
    fileprivate init(_ sum: task_counters, longestWait: UInt64) {
        self.init()
        cpuNanoseconds = sum.cpu_ns
        voluntarySwitches = sum.voluntary
        involuntarySwitches = sum.involuntary
        wakeups = sum.wakeups
        waits = sum.waits
        waitNanoseconds = sum.wait_ns
        longestWaitNanoseconds = longestWait
        blockedNanoseconds = sum.blocked_ns
        sleptNanoseconds = sum.slept_ns
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
