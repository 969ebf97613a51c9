import Model

extension Situation {
    /// What is learned of a tick: the measures of the host and its devices under the names that evidence has.
    var measures: [MetricSample] {
        var samples: [MetricSample] = []
        let host = tick.host
        if let pressure = host.pressure {
            samples += [
                MetricSample("pressure.cpu.some", pressure.cpu.some),
                MetricSample("pressure.io.some", pressure.io.some),
                MetricSample("pressure.memory.some", pressure.memory.some),
            ]
        }
        if let running = host.cpu?.running {
            samples.append(
                MetricSample("load.running_per_core", Double(max(running - 1, 0)) / Double(max(tick.cores, 1))))
        }
        if let p95 = tick.scheduler?.wakeupLatency.percentile(95) {
            samples.append(MetricSample("runq.wakeup_latency.p95", Double(p95) / 1e6))
        }
        if let memory = host.memory { samples.append(MetricSample("memory.used", memory.usedShare)) }
        if let vm = host.vm {
            samples += [
                MetricSample("vm.major_faults", vm.majorFaultsPerSecond),
                MetricSample("vm.swap_in", vm.swapInPerSecond),
                MetricSample("vm.swap_out", vm.swapOutPerSecond),
            ]
        }
        for disk in disks ?? [] {
            // An idle device has no latency: what is usual is usual for requests.
            if let latency = disk.latency { samples.append(MetricSample(disk.latencyMetric, latency)) }
            samples.append(MetricSample("disk.queue:\(disk.name)", disk.depth))
            if let busy = disk.busy { samples.append(MetricSample("disk.busy:\(disk.name)", busy)) }
        }
        if let tcp = host.tcp { samples.append(MetricSample("tcp.retransmits", tcp.retransmitsPerSecond)) }
        if let sockets = host.sockets {
            samples += [
                MetricSample("tcp.time_wait", Double(sockets.timeWait)),
                MetricSample("tcp.close_wait", Double(sockets.closeWait)),
                MetricSample("tcp.syn_received", Double(sockets.synReceived)),
            ]
        }
        return samples
    }

    /// Thresholds for a metric of a host whose usual is known: the lowest is then twice what is usual (its p95), and the
    /// others keep their distance. At least half of the absolute ones (or `least` of them), for below that nobody notices, and at
    /// most ten times, for beyond nobody gets used to it.
    func adapted(_ bands: Bands, to metric: String, least: Double = 0.5) -> Bands {
        guard let usual = usual[metric], bands.low > 0 else { return bands }
        let factor = min(max(2 * usual.profile.p95 / bands.low, least), 10)
        return Bands(bands.low * factor, bands.medium * factor, bands.high * factor, bands.critical * factor)
    }

    /// What is learned of processes: how long they are held up when they are, by name, the worst of that name.
    var stalls: [MetricSample] {
        stalls("process.runq_wait") { cpuUse.starvation(of: $0, at: $1) }
            + stalls("process.blocked") { process, _ in
                millisecondsPerSecond(process.scheduling?.blockedNanoseconds ?? 0)
            }
            + stalls("process.fault_stall") { process, _ in
                millisecondsPerSecond(process.faults?.majorLatencyNanoseconds ?? 0)
            }
            + stalls("process.memory_stall") { process, _ in
                millisecondsPerSecond(process.scheduling?.memoryStallNanoseconds ?? 0)
            } + slowCalls
    }

    /// The worst blocked call or wait for a file lock of each name in the tick, in milliseconds.
    private var slowCalls: [MetricSample] {
        var worst: [String: Double] = [:]
        for event in tick.syscalls?.events ?? []
        where event.isFileLock || (event.blockedNanoseconds ?? 0) * 2 >= event.latencyNanoseconds {
            let latency = Double(event.latencyNanoseconds) / 1e6
            worst[event.task.comm] = max(worst[event.task.comm] ?? 0, latency)
        }
        return worst.greatest(Self.mostNames) { $0.value }.map { MetricSample("process.slow_call:\($0.key)", $0.value) }
    }

    /// Names that are learned per kind and tick.
    private static let mostNames = 16

    private func stalls(_ metric: String, _ stall: (ProcessActivity, _ position: Int) -> Double) -> [MetricSample] {
        var worst: [String: Double] = [:]
        for (position, process) in parties.processes.enumerated() where !process.isKernelThread {
            let amount = min(stall(process, position), 1000)
            if amount >= 1 { worst[process.comm] = max(worst[process.comm] ?? 0, amount) }
        }
        return worst.greatest(Self.mostNames) { $0.value }.map { MetricSample("\(metric):\($0.key)", $0.value) }
    }
}

extension Disk {
    /// What the latency is called as evidence.
    var latencyMetric: String { "disk.latency.\(hasHistogram ? "p95" : "mean"):\(name)" }
}
