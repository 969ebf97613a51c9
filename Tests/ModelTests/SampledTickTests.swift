import Testing

@testable import Model

/// What is said of a tracer that measures one thread in sixteen.
@Suite struct SampledTickTests {
    private func tick(_ sampled: Set<TracerName>) -> Tick {
        var latency = LatencyHistogram()
        latency.merge(
            LatencyHistogram(counts: [0, 0, 0, 5] + Array(repeating: 0, count: LatencyHistogram.bucketCount - 4)))
        var tick = Tick(
            time: Timestamp(nanoseconds: 0), interval: 1, uptime: 100, cores: 2,
            syscalls: SyscallReading(latency: [.blockingIO: latency]),
            scheduler: SchedulerReading(
                wakeupLatency: latency, voluntarySwitches: 7, wakeups: 9, blockedNanoseconds: 1_000_000),
            pageFaults: PageFaultReading(minor: 3, minorLatency: latency), blockIO: BlockIOReading(devices: []))
        tick.sampled = sampled
        return tick
    }

    private func names(_ tick: Tick) -> Set<String> { Set(tick.metricSamples.map(\.metric)) }

    @Test func `rules see whole readings only`() {
        let whole = tick([.syscall, .pageFault]).whole
        #expect(whole.syscalls == nil && whole.pageFaults == nil)
        #expect(whole.scheduler != nil && whole.blockIO != nil)
        #expect(tick([]).whole.syscalls != nil)
    }

    @Test func `counts that the hooks make of all are kept, those of a sample are not`() {
        let all = names(tick([]))
        let some = names(tick([.syscall, .scheduler, .pageFault]))
        #expect(all.contains("syscalls.count:blocking_io") && all.contains("sched.blocked"))
        #expect(!some.contains { $0.hasPrefix("syscalls.") } && !some.contains("sched.blocked"))
        for kept in ["sched.switches.voluntary", "sched.wakeups", "faults.minor"] { #expect(some.contains(kept)) }
    }

    @Test func `latencies are those of the sample`() {
        let metrics = Set(tick([.syscall, .scheduler, .pageFault]).histogramSamples.map(\.metric))
        #expect(metrics.isSuperset(of: ["syscalls.latency:blocking_io", "runq.latency", "faults.latency.minor"]))
    }
}
