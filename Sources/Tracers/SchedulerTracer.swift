import CLibBPF
import Model

/// `sched_tracer`: where threads spend their time, and long waits for a CPU. `docs/tracers/sched_tracer.md`.
final class SchedulerTracer: Tracer {
    static let name = TracerName.scheduler
    static let fallback =
        "/proc/stat, /proc/pressure/cpu and the scheduler's own clocks of each thread: sums, no distributions and no D state"

    let program: TracerProgram
    private let queues: PerCPUArray
    private var totals: [[UInt64]?] = Array(repeating: nil, count: PerCPUArray.possibleCPUs)
    private var wakeups: UInt64 = 0

    init(host: TracerHost, limits: TracerLimits) throws(LoadFailure) {
        program = try TracerProgram(
            Self.name, image: BPFImage.schedTracer, eventSize: MemoryLayout<sched_event>.stride, host: host,
            limits: limits
        ) { object throws(LoadFailure) in
            object.setConstant("switch_has_state", to: UInt8(ks_tracepoint_arguments("sched_switch") >= 4 ? 1 : 0))
        } attach: { object throws(LoadFailure) in
            try object.attach("sched_wakeup_new")
            try object.attach("sched_wakeup")
            try object.attach("sched_switch")
        }
        queues = program.object.perCPUArray("run_queues")
    }

    func read(clock: KernelClock) -> SchedulerReading {
        var reading = SchedulerReading()
        queues.refresh()
        for cpu in totals.indices {
            let now = queues.withValue(0, cpu: cpu) { Array($0.bindMemory(to: UInt64.self)) }
            add(cpu, now.since(totals[cpu]), to: &reading)
            totals[cpu] = now
        }
        let hook = program.hook(Int(HOOK_WAKEUP))
        let woken = hook.count(AGGREGATED) &+ hook.count(UNSAMPLED)
        reading.wakeups = woken &- wakeups
        wakeups = woken
        reading.events = program.takeEvents(as: sched_event.self) { SchedulerEvent($0, clock: clock) }
        return reading
    }

    func claim(last: Bool) -> UInt64 { 0 }

    /// `struct run_queue`, word by word: three histograms, then three counters.
    private func add(_ cpu: Int, _ words: [UInt64], to reading: inout SchedulerReading) {
        let buckets = LatencyHistogram.bucketCount
        let woken = LatencyHistogram(counts: words[0..<buckets])
        let preempted = LatencyHistogram(counts: words[buckets..<2 * buckets])
        reading.wakeupLatency.merge(woken)
        reading.preemptionLatency.merge(preempted)
        reading.onCPU.merge(LatencyHistogram(counts: words[2 * buckets..<3 * buckets]))
        var both = woken
        both.merge(preempted)
        if !both.isEmpty { reading.runQueueLatency[cpu] = both }
        reading.voluntarySwitches += words[3 * buckets]
        reading.involuntarySwitches += words[3 * buckets + 1]
        reading.blockedNanoseconds += words[3 * buckets + 2]
    }
}

extension SchedulerEvent {
    init(_ record: sched_event, clock: KernelClock) {
        self.init(
            time: clock.wall(record.time_ns), task: TaskIdentity(record.task), cpu: Int32(clamping: record.cpu),
            waitNanoseconds: record.wait_ns, preempted: record.preempted != 0,
            previous: ProcessIdentity(record.previous), previousComm: withUnsafeBytes(of: record.previous.comm, text))
    }
}
