/// What a tick leaves in the time series. Names, units and sources are listed in `docs/metrics.md`.
extension Tick {
    /// Instances of one kind that get series of their own; of devices and interfaces the busiest.
    static let maximumCores = 64
    static let maximumDevices = 16

    /// The tick's numbers, one per name. What was not measured has no sample; nothing is filled in.
    public var metricSamples: [MetricSample] {
        var samples: [MetricSample] = []
        samples.reserveCapacity(200)
        appendProcessor(to: &samples)
        appendMemory(to: &samples)
        appendDisks(to: &samples)
        appendNetwork(to: &samples)
        appendTracers(to: &samples)
        return samples
    }

    /// The tick's histograms in which something was counted, one per name.
    public var histogramSamples: [HistogramSample] {
        var samples: [HistogramSample] = []
        func add(_ metric: String, _ histogram: LatencyHistogram) {
            if !histogram.isEmpty { samples.append(HistogramSample(metric, histogram)) }
        }
        if let syscalls {
            for category in SyscallCategory.allCases {
                if let latency = syscalls.latency[category] { add("syscalls.latency:\(category.name)", latency) }
            }
        }
        if let scheduler {
            var both = scheduler.wakeupLatency
            both.merge(scheduler.preemptionLatency)
            add("runq.latency", both)
            add("runq.latency.wakeup", scheduler.wakeupLatency)
            add("runq.latency.preemption", scheduler.preemptionLatency)
            add("sched.on_cpu", scheduler.onCPU)
            for (cpu, latency) in scheduler.runQueueLatency.sorted(by: { $0.key < $1.key }).prefix(Self.maximumCores) {
                add("runq.latency.cpu:\(cpu)", latency)
            }
        }
        if let pageFaults {
            add("faults.latency.minor", pageFaults.minorLatency)
            add("faults.latency.major", pageFaults.majorLatency)
        }
        for device in busiestTracedDevices {
            for operation in BlockOperation.allCases {
                if let flow = device.flows[operation] {
                    add("disk.latency.\(operation.name):\(device.name)", flow.latency)
                }
            }
        }
        return samples
    }

    private func appendProcessor(to samples: inout [MetricSample]) {
        if let cpu = host.cpu {
            samples += [
                MetricSample("cpu.busy", cpu.total.busy),
                MetricSample("cpu.user", cpu.total.user),
                MetricSample("cpu.nice", cpu.total.nice),
                MetricSample("cpu.system", cpu.total.system),
                MetricSample("cpu.iowait", cpu.total.iowait),
                MetricSample("cpu.irq", cpu.total.irq),
                MetricSample("cpu.softirq", cpu.total.softirq),
                MetricSample("cpu.steal", cpu.total.steal),
                rate("cpu.context_switches", cpu.contextSwitchesPerSecond, over: cpu.seconds),
                rate("cpu.forks", cpu.forksPerSecond, over: cpu.seconds),
                MetricSample("tasks.running", Double(cpu.running)),
                MetricSample("tasks.blocked", Double(cpu.blocked)),
            ]
            for (core, shares) in cpu.cores.sorted(by: { $0.key < $1.key }).prefix(Self.maximumCores) {
                samples.append(MetricSample("cpu.core.busy:\(core)", shares.busy))
            }
        }
        if let load = host.load {
            samples += [
                MetricSample("load.1m", load.oneMinute),
                MetricSample("load.5m", load.fiveMinutes),
                MetricSample("load.15m", load.fifteenMinutes),
                MetricSample("tasks.total", Double(load.total)),
            ]
        }
        if let pressure = host.pressure {
            for (resource, stall) in [("cpu", pressure.cpu), ("memory", pressure.memory), ("io", pressure.io)] {
                samples.append(MetricSample("pressure.\(resource).some", stall.some))
                samples.append(MetricSample("pressure.\(resource).full", stall.full))
            }
        }
    }

    private func appendMemory(to samples: inout [MetricSample]) {
        if let memory = host.memory {
            samples += [
                MetricSample("memory.total", Double(memory.total)),
                MetricSample("memory.free", Double(memory.free)),
                MetricSample("memory.available", Double(memory.available)),
                MetricSample("memory.used", memory.usedShare),
                MetricSample("memory.buffers", Double(memory.buffers)),
                MetricSample("memory.cached", Double(memory.cached)),
                MetricSample("memory.active", Double(memory.active)),
                MetricSample("memory.inactive", Double(memory.inactive)),
                MetricSample("memory.anonymous", Double(memory.anonymous)),
                MetricSample("memory.dirty", Double(memory.dirty)),
                MetricSample("memory.writeback", Double(memory.writeback)),
                MetricSample("memory.slab", Double(memory.slab)),
                MetricSample("swap.total", Double(memory.swapTotal)),
                MetricSample("swap.used", memory.swapUsedShare),
            ]
        }
        if let vm = host.vm {
            samples += [
                rate("vm.faults", vm.faultsPerSecond, over: vm.seconds),
                rate("vm.major_faults", vm.majorFaultsPerSecond, over: vm.seconds),
                rate("vm.swap_in", vm.swapInPerSecond, over: vm.seconds),
                rate("vm.swap_out", vm.swapOutPerSecond, over: vm.seconds),
                rate("vm.scan.direct", vm.directScanPerSecond, over: vm.seconds),
                rate("vm.scan.kswapd", vm.kswapdScanPerSecond, over: vm.seconds),
                rate("vm.steal.direct", vm.directStealPerSecond, over: vm.seconds),
                rate("vm.steal.kswapd", vm.kswapdStealPerSecond, over: vm.seconds),
                rate("vm.allocation_stalls", vm.allocationStallsPerSecond, over: vm.seconds),
                rate("vm.refaults", vm.refaultsPerSecond, over: vm.seconds),
                MetricSample("vm.oom_kills", Double(vm.oomKills), count: Double(vm.oomKills)),
            ]
            if let taken = vm.limitStealPerSecond { samples.append(rate("vm.steal.limit", taken, over: vm.seconds)) }
        }
    }

    private func appendDisks(to samples: inout [MetricSample]) {
        let busiest = (host.disks ?? []).sorted { ($1.busy, $0.name) < ($0.busy, $1.name) }
        for disk in busiest.prefix(Self.maximumDevices) {
            let name = disk.name
            samples += [
                MetricSample("disk.busy:\(name)", disk.busy),
                MetricSample("disk.queue_depth:\(name)", disk.queueDepth),
                MetricSample("disk.in_flight:\(name)", Double(disk.inFlight)),
                rate("disk.reads:\(name)", disk.readsPerSecond, over: disk.seconds),
                rate("disk.writes:\(name)", disk.writesPerSecond, over: disk.seconds),
                rate("disk.read_bytes:\(name)", disk.readBytesPerSecond, over: disk.seconds),
                rate("disk.write_bytes:\(name)", disk.writeBytesPerSecond, over: disk.seconds),
            ]
            if let mean = disk.readMilliseconds { samples.append(MetricSample("disk.read_time:\(name)", mean)) }
            if let mean = disk.writeMilliseconds { samples.append(MetricSample("disk.write_time:\(name)", mean)) }
        }
        for device in busiestTracedDevices {
            samples.append(MetricSample("disk.depth.mean:\(device.name)", device.meanDepth))
            samples.append(MetricSample("disk.depth.maximum:\(device.name)", Double(device.maximumDepth)))
        }
    }

    private func appendNetwork(to samples: inout [MetricSample]) {
        let busiest = (host.interfaces ?? []).sorted { ($1.bytesPerSecond, $0.name) < ($0.bytesPerSecond, $1.name) }
        for interface in busiest.prefix(Self.maximumDevices) {
            let name = interface.name
            samples += [
                rate("net.rx_bytes:\(name)", interface.receivedBytesPerSecond, over: interface.seconds),
                rate("net.tx_bytes:\(name)", interface.sentBytesPerSecond, over: interface.seconds),
                rate("net.rx_packets:\(name)", interface.receivedPacketsPerSecond, over: interface.seconds),
                rate("net.tx_packets:\(name)", interface.sentPacketsPerSecond, over: interface.seconds),
                rate("net.rx_errors:\(name)", interface.receiveErrorsPerSecond, over: interface.seconds),
                rate("net.tx_errors:\(name)", interface.sendErrorsPerSecond, over: interface.seconds),
                rate("net.rx_drops:\(name)", interface.receiveDropsPerSecond, over: interface.seconds),
                rate("net.tx_drops:\(name)", interface.sendDropsPerSecond, over: interface.seconds),
            ]
        }
        if let tcp = host.tcp {
            samples += [
                rate("tcp.out_segments", tcp.outSegmentsPerSecond, over: tcp.seconds),
                rate("tcp.retransmits", tcp.retransmitsPerSecond, over: tcp.seconds),
                rate("tcp.listen_overflows", tcp.listenOverflowsPerSecond, over: tcp.seconds),
                rate("tcp.listen_drops", tcp.listenDropsPerSecond, over: tcp.seconds),
                rate("tcp.syn_cookies", tcp.synCookiesPerSecond, over: tcp.seconds),
                rate("tcp.syn_retransmits", tcp.synRetransmitsPerSecond, over: tcp.seconds),
                rate("tcp.timeouts", tcp.timeoutsPerSecond, over: tcp.seconds),
                rate("tcp.active_opens", tcp.activeOpensPerSecond, over: tcp.seconds),
                rate("tcp.passive_opens", tcp.passiveOpensPerSecond, over: tcp.seconds),
                rate("tcp.attempt_fails", tcp.attemptFailsPerSecond, over: tcp.seconds),
                rate("tcp.resets_sent", tcp.resetsSentPerSecond, over: tcp.seconds),
            ]
        }
        if let sockets = host.sockets {
            samples += [
                MetricSample("sockets.established", Double(sockets.established)),
                MetricSample("sockets.syn_sent", Double(sockets.synSent)),
                MetricSample("sockets.syn_received", Double(sockets.synReceived)),
                MetricSample("sockets.fin_wait1", Double(sockets.finWait1)),
                MetricSample("sockets.fin_wait2", Double(sockets.finWait2)),
                MetricSample("sockets.time_wait", Double(sockets.timeWait)),
                MetricSample("sockets.close", Double(sockets.close)),
                MetricSample("sockets.close_wait", Double(sockets.closeWait)),
                MetricSample("sockets.last_ack", Double(sockets.lastAck)),
                MetricSample("sockets.listen", Double(sockets.listen)),
                MetricSample("sockets.closing", Double(sockets.closing)),
            ]
        }
    }

    /// Counts of a tick become rates, so that ticks of different length and tiers of different step compare.
    private func appendTracers(to samples: inout [MetricSample]) {
        guard interval > 0 else { return }
        func add(_ metric: String, _ count: UInt64) {
            samples.append(MetricSample(metric, Double(count) / interval, count: Double(count)))
        }
        if let syscalls, !sampled.contains(.syscall) {
            var counts: [SyscallCategory: (calls: UInt64, errors: UInt64)] = [:]
            for call in syscalls.calls {
                counts[call.category, default: (0, 0)].calls += call.count
                counts[call.category, default: (0, 0)].errors += call.errors
            }
            for category in SyscallCategory.allCases {
                let count = counts[category] ?? (0, 0)
                add("syscalls.count:\(category.name)", count.calls)
                add("syscalls.errors:\(category.name)", count.errors)
            }
        }
        if let scheduler {
            add("sched.switches.voluntary", scheduler.voluntarySwitches)
            add("sched.switches.involuntary", scheduler.involuntarySwitches)
            add("sched.wakeups", scheduler.wakeups)
            if !sampled.contains(.scheduler) {
                samples.append(MetricSample("sched.blocked", Double(scheduler.blockedNanoseconds) / 1e6 / interval))
            }
        }
        if let pageFaults {
            add("faults.minor", pageFaults.minor)
            add("faults.major", pageFaults.major)
        }
    }

    /// A reader counts whole things, whatever it divides them by.
    private func rate(_ metric: String, _ perSecond: Double, over seconds: Double) -> MetricSample {
        MetricSample(metric, perSecond, count: seconds > 0 ? (perSecond * seconds).rounded() : nil)
    }

    private var busiestTracedDevices: ArraySlice<BlockIOReading.Device> {
        (blockIO?.devices ?? []).sorted { ($1.requests, $0.name) < ($0.requests, $1.name) }
            .prefix(Self.maximumDevices)
    }
}

extension InterfaceReading {
    fileprivate var bytesPerSecond: Double { receivedBytesPerSecond + sentBytesPerSecond }
}

extension BlockIOReading.Device {
    fileprivate var requests: UInt64 { flows.values.reduce(0) { $0 + $1.requests } }
}
