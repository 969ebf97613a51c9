import CLibBPF
import Model

/// `syscall_tracer`: every call by number and category, and the calls that stalled. `docs/tracers/syscall_tracer.md`.
final class SyscallTracer: Tracer {
    static let name = TracerName.syscall
    static let fallback = "none: system calls are not in /proc; D-state time is in /proc/pressure/io"

    let program: TracerProgram
    private let calls: PerCPUArray
    private let latency: PerCPUArray
    private var callTotals: [Totals?] = Array(repeating: nil, count: Int(SYSCALL_NUMBERS))
    private var latencyTotals: [SyscallCategory: [UInt64]] = [:]

    init(host: TracerHost, limits: TracerLimits) throws(LoadFailure) {
        program = try TracerProgram(
            Self.name, image: BPFImage.syscallTracer, eventSize: MemoryLayout<syscall_event>.stride, host: host,
            limits: limits
        ) { object throws(LoadFailure) in
            object.setConstant(
                "kinds",
                to: SyscallTable.kinds.map { kind in
                    call_kind(
                        category: UInt8((kind?.category ?? .other).rawValue),
                        wait: UInt8((kind?.wait ?? WAIT_UNCLEAR).rawValue), forks: kind?.forks == true ? 1 : 0)
                })
            let fcntl = SyscallTable.kinds.firstIndex { $0?.name == "fcntl" } ?? Int(SYSCALL_NUMBERS)
            object.setConstant("fcntl_number", to: UInt32(fcntl))
        } attach: { object throws(LoadFailure) in
            try object.attach("sys_exit")
            try object.attach("sys_enter")
        }
        calls = program.object.perCPUArray("calls")
        latency = program.object.perCPUArray("latency")
    }

    /// What one number counted since it was attached, all CPUs.
    private struct Totals {
        var count: UInt64 = 0
        var errors: UInt64 = 0
        var nanoseconds: UInt64 = 0
        var log2 = [UInt32](repeating: 0, count: SyscallTracer.log2Slots)
    }

    private static let log2Slots = MemoryLayout.size(ofValue: call_stats().log2) / 4

    /// When the scheduler's hooks began to keep sleeps, in kernel time; 0 if they do not.
    func setSchedulerSince(_ since: UInt64) { program.set(\.scheduler_since_ns, to: since) }

    func read(clock: KernelClock) -> SyscallReading {
        SyscallReading(
            calls: readCalls(), latency: readLatency(),
            events: program.takeEvents(as: syscall_event.self) { SyscallEvent($0, clock: clock) })
    }

    /// Claimed by the walk over all threads, which knows.
    func claim(last: Bool) -> UInt64 { 0 }

    private func readCalls() -> [SyscallReading.Call] {
        calls.refresh()
        return callTotals.indices.compactMap { number in
            guard let now = totals(of: number) else { return nil }
            let before = callTotals[number] ?? Totals()
            callTotals[number] = now
            guard now.count != before.count else { return nil }
            return SyscallReading.Call(
                number: number, name: SyscallTable.name(of: number), category: SyscallTable.category(of: number),
                count: now.count &- before.count, errors: now.errors &- before.errors,
                latencyNanoseconds: now.nanoseconds &- before.nanoseconds,
                log2: zip(now.log2, before.log2).map { $0 &- $1 })
        }
    }

    private func totals(of number: Int) -> Totals? {
        var totals: Totals?
        for cpu in 0..<PerCPUArray.possibleCPUs {
            calls.withValue(number, cpu: cpu) { value in
                let stats = value.load(as: call_stats.self)
                guard stats.count > 0 else { return }
                var sum = totals ?? Totals()
                sum.count &+= stats.count
                sum.errors &+= stats.errors
                sum.nanoseconds &+= stats.ns
                withUnsafeBytes(of: stats.log2) { slots in
                    for (slot, count) in slots.bindMemory(to: UInt32.self).enumerated() { sum.log2[slot] &+= count }
                }
                totals = sum
            }
        }
        return totals
    }

    private func readLatency() -> [SyscallCategory: LatencyHistogram] {
        latency.refresh()
        var histograms: [SyscallCategory: LatencyHistogram] = [:]
        for category in SyscallCategory.allCases {
            let now = latency.sum(category.rawValue)
            let histogram = LatencyHistogram(counts: now.since(latencyTotals[category]))
            latencyTotals[category] = now
            if !histogram.isEmpty { histograms[category] = histogram }
        }
        return histograms
    }
}

extension [UInt64] {
    /// What counters have grown by.
    func since(_ before: [UInt64]?) -> [UInt64] {
        guard let before else { return self }
        return zip(self, before).map { $0 &- $1 }
    }
}

extension SyscallEvent {
    init(_ record: syscall_event, clock: KernelClock) {
        self.init(
            time: clock.wall(record.time_ns), task: TaskIdentity(record.task), cpu: Int32(clamping: record.cpu),
            number: Int(record.number), name: SyscallTable.name(of: Int(record.number)),
            category: SyscallTable.category(of: Int(record.number)), latencyNanoseconds: record.latency_ns,
            blockedNanoseconds: record.blocked_known != 0 ? record.blocked_ns : nil, returnValue: record.result,
            firstArgument: record.first_argument)
    }

    /// A call that has not returned, as the walk found it.
    init(running header: thread_header, clock: KernelClock) {
        let number = Int(header.call.number1) - 1
        self.init(
            time: clock.wall(header.call_now_ns), task: TaskIdentity(header.task), cpu: -1, number: number,
            name: SyscallTable.name(of: number), category: SyscallTable.category(of: number),
            latencyNanoseconds: header.call_now_ns - header.call.start_ns,
            blockedNanoseconds: header.call_blocked_known != 0 ? header.call_blocked_ns : nil, returnValue: nil,
            firstArgument: header.call.first_argument)
    }
}
