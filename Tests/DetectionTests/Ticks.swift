import Model

@testable import Detection

/// Ticks made by hand: an idle host to start from, and short names for what happens on it.
enum Made {
    static let start = Timestamp(nanoseconds: 1_764_000_000_000_000_000)

    /// A host where nothing happens, with all readers and tracers running.
    static func idle(cores: Int = 2, second: Int = 0, interval: Double = 1) -> Tick {
        var tick = Tick(
            time: start.advanced(bySeconds: Double(second)), interval: interval, uptime: 1e6 + Double(second),
            cores: cores)
        tick.host.cpu = CPUReading(running: 1)
        tick.host.load = LoadReading(running: 1, total: 200)
        tick.host.pressure = PressureReading()
        var memory = MemoryReading()
        memory.total = 16 << 30
        memory.available = 12 << 30
        tick.host.memory = memory
        tick.host.vm = VMReading()
        tick.host.disks = [DiskReading(name: "sda", major: 8, minor: 0)]
        tick.host.interfaces = [InterfaceReading(name: "eth0")]
        tick.host.tcp = TCPReading()
        tick.host.sockets = SocketReading()
        tick.syscalls = SyscallReading()
        tick.scheduler = SchedulerReading()
        tick.pageFaults = PageFaultReading()
        tick.blockIO = BlockIOReading()
        tick.processes = [process(1, "systemd"), process(2, "kthreadd", kernel: true)]
        return tick
    }

    static func process(
        _ pid: Int32, _ comm: String, group: Int32? = nil, parent: Int32 = 1, session: Int32? = nil,
        kernel: Bool = false
    ) -> ProcessActivity {
        var made = ProcessActivity(
            identity: ProcessIdentity(pid: pid, startTicks: UInt64(pid) * 100), parent: parent,
            processGroup: kernel ? 0 : group ?? pid, session: kernel ? 0 : session ?? group ?? pid, comm: comm,
            isKernelThread: kernel)
        made.scheduling = .init()
        made.faults = .init()
        made.blockIO = .init()
        made.calls = [:]
        return made
    }

    static func event(
        _ process: ProcessActivity, _ name: String, _ category: SyscallCategory, milliseconds: Double,
        blocked: Double? = 0, returned: Int64? = 0
    ) -> SyscallEvent {
        SyscallEvent(
            time: start, task: task(process), cpu: 0, number: 1, name: name, category: category,
            latencyNanoseconds: UInt64(milliseconds * 1e6), blockedNanoseconds: blocked.map { UInt64($0 * 1e6) },
            returnValue: returned, firstArgument: 3)
    }

    static func task(_ process: ProcessActivity) -> TaskIdentity {
        TaskIdentity(process: process.identity, tid: process.identity.pid, uid: 0, cgroup: 1, comm: process.comm)
    }
}

extension Tick {
    /// As without any tracer.
    var withoutScheduling: Tick {
        with {
            $0.scheduler = nil
            for index in $0.processes.indices { $0.processes[index].scheduling = nil }
        }
    }
}

extension ProcessActivity {
    /// Takes `cpu` cores, and is put off the CPU against its will while it waits.
    func hogging(_ cpu: Double, waiting milliseconds: Double = 0) -> ProcessActivity {
        with {
            $0.scheduling?.cpuNanoseconds = UInt64(cpu * 1e9)
            $0.scheduling?.waitNanoseconds = UInt64(milliseconds * 1e6)
            $0.scheduling?.waits = 300
            $0.scheduling?.involuntarySwitches = 300
        }
    }

    /// Wakes a hundred times a second for a little work, and waits for a CPU.
    func starving(_ milliseconds: Double, cpu: Double = 0.004) -> ProcessActivity {
        with {
            $0.scheduling?.cpuNanoseconds = UInt64(cpu * 1e9)
            $0.scheduling?.waitNanoseconds = UInt64(milliseconds * 1e6)
            $0.scheduling?.waits = 100
            $0.scheduling?.wakeups = 100
            $0.scheduling?.voluntarySwitches = 100
            $0.scheduling?.longestWaitNanoseconds = UInt64(milliseconds * 1e6 / 20)
        }
    }

    func blocked(_ milliseconds: Double) -> ProcessActivity {
        with { $0.scheduling?.blockedNanoseconds = UInt64(milliseconds * 1e6) }
    }

    func moving(read: Double = 0, written: Double = 0, requests: Int = 100) -> ProcessActivity {
        with {
            $0.blockIO?.reads = read > 0 ? UInt64(requests) : 0
            $0.blockIO?.writes = written > 0 ? UInt64(requests) : 0
            $0.blockIO?.readBytes = UInt64(read)
            $0.blockIO?.writeBytes = UInt64(written)
        }
    }

    func dirtying(_ bytesPerSecond: Double) -> ProcessActivity { proc { $0.writeBytesPerSecond = bytesPerSecond } }
    func holding(_ bytes: UInt64) -> ProcessActivity { proc { $0.residentBytes = bytes } }

    func faulting(minor: UInt64 = 0, major: UInt64 = 0, majorMilliseconds: Double = 0) -> ProcessActivity {
        with {
            $0.faults?.minor = minor
            $0.faults?.major = major
            $0.faults?.majorLatencyNanoseconds = UInt64(majorMilliseconds * 1e6)
            $0.faults?.latencyNanoseconds = UInt64(majorMilliseconds * 1e6) + minor * 500
        }
    }

    func with(_ change: (inout ProcessActivity) -> Void) -> ProcessActivity {
        var copy = self
        change(&copy)
        return copy
    }

    private func proc(_ change: (inout ProcessReading) -> Void) -> ProcessActivity {
        with {
            var reading = $0.proc ?? ProcessReading(identity: identity, comm: comm)
            reading.processGroup = processGroup
            change(&reading)
            $0.proc = reading
        }
    }
}

extension Tick {
    func with(_ change: (inout Tick) -> Void) -> Tick {
        var copy = self
        change(&copy)
        return copy
    }

    func adding(_ processes: ProcessActivity...) -> Tick { with { $0.processes += processes } }

    /// What a rule says about this tick.
    func verdict(_ rule: some Rule, thresholds: Thresholds = Thresholds(), own: ProcessIdentity? = nil) -> Verdict {
        var rule = rule
        return rule.evaluate(Situation(self, thresholds: thresholds, own: own))
    }

    /// What of it would open an episode.
    func observed(_ rule: some Rule, own: ProcessIdentity? = nil) -> [Observation] {
        verdict(rule, own: own).observations.filter { $0.strength >= 1 }
    }

    /// A host that does a little of everything, as one with nothing wrong does: a service at work, a log that is synced,
    /// pages that fault in, packets and sockets that come and go. `seed` moves the numbers from tick to tick.
    func calm(seed: Int) -> Tick {
        let wave = Double(seed % 7) / 7
        let service = Made.process(812, "nginx").hogging(0.1 + 0.3 * wave, waiting: 4 * wave).faulting(minor: 400)
        let log = Made.process(400, "journald").moving(written: 4e5, requests: 12).blocked(6 + 8 * wave)
        let shell = Made.process(900, "bash").starving(6 * wave)
        return adding(service, log, shell).with {
            $0.host.cpu?.running = 1 + seed % 3
            $0.host.pressure?.cpu.some = 0.04 * wave
            $0.host.pressure?.io.some = 0.05 * wave
            $0.host.memory?.available = 2 << 30
            $0.host.vm?.majorFaultsPerSecond = 3 * wave
            $0.host.sockets?.timeWait = 300
            $0.host.disks?[0].writesPerSecond = 12
            $0.host.disks?[0].writeMilliseconds = 2 + 4 * wave
            $0.host.disks?[0].busy = 0.1
            $0.host.disks?[0].queueDepth = 0.1
            $0.syscalls?.events = [
                Made.event(log, "fsync", .blockingIO, milliseconds: 3 + 4 * wave, blocked: 3 + 4 * wave)
            ]
        }
    }

    /// Two workers of `stress-ng` under a parent that sleeps, as they really are: one process group.
    func stressed(cores: Double) -> Tick {
        with {
            $0.host.cpu?.running = 9
            $0.host.pressure?.cpu.some = 0.95
            for pid: Int32 in 4243...4246 {
                $0.processes.append(
                    Made.process(pid, "stress-ng-cpu", group: 4242, parent: 4242)
                        .hogging(cores / 4, waiting: 700))
            }
        }
    }

    /// A disk with a queue of slow writes.
    func congested(latency: Double = 90, depth: Double = 14, busy: Double = 0.6, pressure: Double = 0.45) -> Tick {
        with {
            var disk = DiskReading(name: "sda", major: 8, minor: 0)
            disk.writesPerSecond = 400
            disk.writeBytesPerSecond = 4e8
            disk.writeMilliseconds = latency / 3
            disk.busy = busy
            disk.queueDepth = depth
            $0.host.disks = [disk]
            $0.host.pressure?.io.some = pressure
            var latencies = LatencyHistogram()
            latencies.record(UInt64(latency / 3 * 1e6), times: 90)
            latencies.record(UInt64(latency * 1e6), times: 10)
            $0.blockIO?.devices = [
                .init(
                    major: 8, minor: 0, name: "sda",
                    flows: [.write: .init(requests: 100, bytes: 400_000_000, latency: latencies)], depth: Int(depth),
                    maximumDepth: Int(depth * 2), meanDepth: depth)
            ]
        }
    }
}
