import Foundation
import Model
import Testing

struct SampleTests {
    /// A tick of an ordinary host in which everything was measured.
    static func ordinary(cores: Int = 4, disks: Int = 2, interfaces: Int = 3) -> Tick {
        var histogram = LatencyHistogram()
        histogram.record(1000, times: 3)
        var host = HostReading()
        host.cpu = CPUReading(cores: Dictionary(uniqueKeysWithValues: (0..<cores).map { ($0, .init()) }))
        host.load = LoadReading(oneMinute: 1.5)
        host.pressure = PressureReading(memory: .init(some: 0.5, full: 0.25))
        host.memory = MemoryReading()
        host.memory?.total = 1000
        host.memory?.available = 250
        host.vm = VMReading()
        host.vm?.seconds = 2.5
        host.vm?.faultsPerSecond = 40
        host.disks = (0..<disks).map { number in
            var disk = DiskReading(name: "sd\(number)", major: 8, minor: number)
            disk.readMilliseconds = 1
            disk.writeMilliseconds = 2
            disk.busy = Double(number) / 1000
            return disk
        }
        host.interfaces = (0..<interfaces).map { InterfaceReading(name: "eth\($0)") }
        host.tcp = TCPReading()
        host.sockets = SocketReading()
        return Tick(
            time: Timestamp(nanoseconds: 0), interval: 2, uptime: 1000, cores: cores, host: host,
            syscalls: SyscallReading(
                calls: [
                    .init(
                        number: 0, name: "read", category: .fileSystem, count: 10, errors: 1, latencyNanoseconds: 5,
                        log2: []),
                    .init(
                        number: 1, name: "write", category: .fileSystem, count: 30, errors: 3, latencyNanoseconds: 5,
                        log2: []),
                ],
                latency: Dictionary(uniqueKeysWithValues: SyscallCategory.allCases.map { ($0, histogram) })),
            scheduler: SchedulerReading(
                wakeupLatency: histogram, preemptionLatency: histogram, onCPU: histogram,
                runQueueLatency: Dictionary(uniqueKeysWithValues: (0..<cores).map { ($0, histogram) }),
                voluntarySwitches: 100, involuntarySwitches: 20, wakeups: 30, blockedNanoseconds: 4_000_000),
            pageFaults: PageFaultReading(minor: 10, major: 4, minorLatency: histogram, majorLatency: histogram),
            blockIO: BlockIOReading(
                devices: (0..<disks).map {
                    .init(
                        major: 8, minor: $0, name: "sd\($0)",
                        flows: Dictionary(
                            uniqueKeysWithValues: BlockOperation.allCases.map { ($0, .init(latency: histogram)) }),
                        depth: 0, maximumDepth: 3, meanDepth: 1.5)
                }))
    }

    private func values(_ tick: Tick) -> [String: Double] {
        Dictionary(tick.metricSamples.map { ($0.metric, $0.value) }, uniquingKeysWith: { _, _ in .nan })
    }

    @Test func `no name is used twice, by a number or a histogram`() {
        let tick = Self.ordinary()
        let names = tick.metricSamples.map(\.metric) + tick.histogramSamples.map(\.metric)
        #expect(Set(names).count == names.count)
    }

    @Test func `an ordinary host makes at most 200 samples, and a large one is bounded`() {
        let ordinary = Self.ordinary()
        #expect(ordinary.metricSamples.count + ordinary.histogramSamples.count <= 200)
        let large = Self.ordinary(cores: 256, disks: 500, interfaces: 2000)
        #expect(large.metricSamples.count <= 600)
        #expect(large.histogramSamples.count <= 160)
        #expect(values(large)["disk.busy:sd499"] == 0.499, "the busiest are kept")
        #expect(values(large)["disk.busy:sd1"] == nil)
    }

    @Test func `what was not measured has no sample`() {
        let tick = Tick(time: Timestamp(nanoseconds: 0), interval: 1, uptime: 1000, cores: 1)
        #expect(tick.metricSamples.isEmpty)
        #expect(tick.histogramSamples.isEmpty)
    }

    @Test func `counts of a tick become rates, shares stay shares`() {
        let values = values(Self.ordinary())
        #expect(values["syscalls.count:file_system"] == 20)
        #expect(values["syscalls.errors:file_system"] == 2)
        #expect(values["syscalls.count:network"] == 0)
        #expect(values["sched.switches.voluntary"] == 50)
        #expect(values["sched.blocked"] == 2)
        #expect(values["faults.major"] == 2)
        #expect(values["memory.used"] == 0.75)
        #expect(values["pressure.memory.full"] == 0.25)
        #expect(values["load.1m"] == 1.5)
    }

    @Test func `what comes from a counter has its count, over the time of whoever counted, and nothing else has`() {
        let counts = Dictionary(Self.ordinary().metricSamples.map { ($0.metric, $0.count) }) { first, _ in first }
        #expect(counts["vm.faults"] == 100)
        #expect(counts["faults.major"] == 4)
        #expect(counts["syscalls.count:file_system"] == 40)
        #expect(counts["vm.oom_kills"] == 0)
        for gauge in ["load.1m", "memory.used", "pressure.memory.full", "disk.busy:sd1", "sched.blocked"] {
            #expect(counts[gauge] == .some(nil), "\(gauge)")
        }
    }

    @Test func `the first tick, which has no length, has no rates`() {
        var tick = Self.ordinary()
        tick.interval = 0
        #expect(!tick.metricSamples.contains { $0.metric.hasPrefix("sched.") })
        #expect(tick.metricSamples.allSatisfy { $0.value.isFinite })
    }

    @Test func `a histogram in which nothing was counted is left out, and run queues are joined`() throws {
        var tick = Self.ordinary()
        tick.pageFaults?.majorLatency = LatencyHistogram()
        let samples = tick.histogramSamples
        #expect(!samples.contains { $0.metric == "faults.latency.major" })
        #expect(try #require(samples.first { $0.metric == "runq.latency" }).histogram.total == 6)
    }

    @Test func `every metric is in the documentation`() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../docs/metrics.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let documented = Set(
            text.matches(of: /`([a-z0-9_.]+)(?::[A-Z]+)?`/).map { String($0.output.1) })
        let tick = Self.ordinary()
        for name in tick.metricSamples.map(\.metric) + tick.histogramSamples.map(\.metric) {
            let base = String(name.split(separator: ":")[0])
            #expect(documented.contains(base), "\(base)")
        }
    }
}
