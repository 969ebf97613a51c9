import Model

/// More runnable tasks than cores, and somebody waits because of it. `docs/signals/load_mismatch.md`.
struct LoadMismatch: Rule {
    static let type = SignalType.loadMismatch

    func evaluate(_ situation: Situation) -> Verdict {
        let tick = situation.tick
        let bands = situation.thresholds
        guard let stall = Stall(tick) else {
            return .cannotTell("neither /proc/pressure/cpu nor a tracer says how long tasks wait for a CPU")
        }
        // The reader of the number is running itself.
        let running = tick.host.cpu?.running ?? tick.host.load?.running
        let perCore = running.map { Double(max($0 - 1, 0)) / Double(max(tick.cores, 1)) }
        let strength = min(
            bands.cpuStall.strength(of: stall.share), perCore.map(bands.loadPerCore.strength(of:)) ?? .infinity)
        guard strength > 0 else { return Verdict() }

        let cpu = situation.cpu.metByWorst(tick, situation.parties, situation.cpuUse)
        var evidence = [situation.evidence(stall.metric, stall.share, "share", bands.cpuStall.low)]
        if let perCore {
            evidence.append(situation.evidence("load.running_per_core", perCore, "tasks", bands.loadPerCore.low))
        }
        if let p95 = tick.scheduler?.wakeupLatency.percentile(95) {
            evidence.append(situation.evidence("runq.wakeup_latency.p95", Double(p95) / 1e6, "ms"))
        }
        if let worst = cpu.sufferers.first {
            evidence.append(
                situation.evidence(
                    "process.runq_wait", worst.stall, "ms/s", bands.runQueueWait.low + (worst.usual ?? 0),
                    of: worst.process.comm))
        }
        let observation = Observation(
            key: Episode.Key(type: Self.type, entity: .host, label: Self.type.rawValue),
            grade: bands.cpuStall.grade(of: stall.share).suffered(cpu.suffering(bands.runQueueWait)),
            strength: strength,
            finding: Finding(
                message: message(cpu, stall: stall.share, perCore: perCore, tick: tick), evidence: evidence,
                culprits: cpu.culprits, victims: cpu.victims))
        return Verdict(observations: [observation], blindToVictims: situation.blindToWaits)
    }

    /// The share of the tick in which some task waited for a CPU.
    private struct Stall {
        var share: Double
        var metric: String

        init?(_ tick: Tick) {
            if let pressure = tick.host.pressure {
                (share, metric) = (pressure.cpu.some, "pressure.cpu.some")
            } else if tick.knowsScheduling {
                // All waits together, one after the other: never less than what PSI would say.
                let waits = tick.processes.reduce(0.0) { $0 + Double($1.scheduling?.waitNanoseconds ?? 0) }
                (share, metric) = (min(1, waits / 1e9 / tick.interval), "runq.wait")
            } else {
                return nil
            }
        }
    }

    private func message(_ cpu: Contention, stall: Double, perCore: Double?, tick: Tick) -> Message {
        let load = Text.number(perCore ?? 0)
        let cores = tick.cores == 1 ? "1 core" : "\(tick.cores) cores"
        switch (cpu.suspects.first, cpu.sufferers.first) {
        case (let suspect?, let sufferer?):
            return Message(
                .init(
                    summary: "{0} takes {1} % of the CPU time used on {2}; {3} waits {4} ms of each second for a CPU",
                    patterns: ["{5} runnable tasks per core; some task waits {6} % of the time"],
                    hints: [
                        "Lower the CPU weight of {0}, or limit it with a quota or to fewer cores",
                        "If {0} must run at this rate, {3} needs cores of its own (cpuset) or a higher weight",
                    ]),
                [
                    suspect.name, Text.percent(suspect.share), cores, sufferer.name, Text.number(sufferer.stall), load,
                    Text.percent(stall),
                ])
        case (let suspect?, nil):
            return Message(
                .init(
                    summary: "{0} takes {1} % of the CPU time used on {2}; tasks wait for a CPU {3} % of the time",
                    hints: ["No task outside {0} is measurably held up: nothing needs to be done"]),
                [suspect.name, Text.percent(suspect.share), cores, Text.percent(stall)])
        case (nil, let sufferer?):
            return Message(
                .init(
                    summary: "{0} waits {1} ms of each second for a CPU on {2}; no single process takes most of them",
                    patterns: ["{3} runnable tasks per core; some task waits {4} % of the time"],
                    hints: ["Many small processes share the CPUs: look for what starts them, such as a fork storm"]),
                [sufferer.name, Text.number(sufferer.stall), cores, load, Text.percent(stall)])
        case (nil, nil):
            return Message(
                .init(
                    summary: "Tasks wait for a CPU {0} % of the time on {1}; who waits cannot be told from this data",
                    hints: ["Per-process waits come from sched_tracer: see /api/diagnostics for whether it runs"]),
                [Text.percent(stall), cores])
        }
    }
}
