import Forecast
import Model

/// Requests of a device take long because others stand in the queue before them. `docs/signals/io_congestion.md`.
struct IOCongestion: Rule {
    static let type = SignalType.ioCongestion
    /// With less than one request in the queue on average, a slow device is slow by itself.
    static let leastDepth = 1.0

    func evaluate(_ situation: Situation) -> Verdict {
        guard let disks = situation.disks else {
            return .cannotTell("neither /proc/diskstats nor io_latency_tracer could be read")
        }
        return Verdict(
            observations: disks.compactMap { observe($0, situation) }, blindToVictims: situation.blindToBlocked)
    }

    private func observe(_ disk: Disk, _ situation: Situation) -> Observation? {
        let bands = situation.thresholds
        guard let latency = disk.latency else { return nil }
        let metric = disk.latencyMetric
        let latencyBands = situation.adapted(bands.ioLatency, to: metric)
        let pressure = situation.tick.host.pressure?.io.some
        let strength = min(
            latencyBands.strength(of: latency), disk.depth / Self.leastDepth,
            pressure.map(bands.ioStall.strength(of:)) ?? .infinity)
        guard strength >= 0.5 else { return nil }

        let io = situation.io[disk]
        var symptom = latencyBands.grade(of: latency)
        if let pressure { symptom = symptom.limited(by: bands.ioStall.grade(of: pressure)) }
        var evidence = [
            situation.evidence(metric, latency, "ms", latencyBands.low),
            situation.evidence("disk.queue:\(disk.name)", disk.depth, "requests", Self.leastDepth),
        ]
        if let pressure {
            evidence.append(situation.evidence("pressure.io.some", pressure, "share", bands.ioStall.low))
        }
        if let worst = io.sufferers.first {
            evidence.append(
                situation.evidence(
                    "process.blocked", worst.stall, "ms/s", bands.blockedStall.low + (worst.usual ?? 0),
                    of: worst.process.comm))
        }
        return Observation(
            key: Episode.Key(type: Self.type, entity: disk.entity, label: Self.type.rawValue),
            grade: symptom.suffered(io.suffering(bands.blockedStall)),
            strength: strength,
            finding: Finding(
                message: message(io, disk, latency: latency, usual: situation.usual[metric]),
                evidence: evidence, culprits: io.culprits,
                victims: io.victims))
    }

    /// What the latency of {0} is held against; {3} is its usual.
    static func comparison(of usual: Baseline.Usual?) -> String {
        usual == nil
            ? "what is usual for {0} is not known yet: compared with absolute thresholds"
            : "usually at most {3} ms (p95 of what was learned)"
    }

    private func message(_ io: Contention, _ disk: Disk, latency: Double, usual: Baseline.Usual?) -> Message {
        let lead = disk.hasHistogram ? "p95 of {1} ms" : "{1} ms on average"
        let values = [
            disk.name, Text.number(latency), Text.number(disk.depth), Text.number(usual?.profile.p95 ?? 0),
        ]
        let patterns = [Self.comparison(of: usual)]
        let depth = "with {2} requests queued"
        switch (io.suspects.first, io.sufferers.first) {
        case (let suspect?, let sufferer?):
            return Message(
                .init(
                    summary: "{4} does {5} % of the I/O and requests on {0} take \(lead) \(depth); "
                        + "{6} is blocked {7} ms of each second",
                    patterns: patterns,
                    hints: [
                        "Limit the I/O of {4} (io.max, or blkio.throttle in cgroup v1)",
                        "If {4} writes through the page cache, ionice does not reach it: throttle its cgroup or its rate",
                    ]),
                values + [suspect.name, Text.percent(suspect.share), sufferer.name, Text.number(sufferer.stall)])
        case (let suspect?, nil):
            return Message(
                .init(
                    summary: "{4} does {5} % of the I/O and requests on {0} take \(lead) \(depth)",
                    patterns: patterns,
                    hints: ["Nobody but {4} waits for {0}: nothing needs to be done"]),
                values + [suspect.name, Text.percent(suspect.share)])
        case (nil, let sufferer?):
            return Message(
                .init(
                    summary: "Requests on {0} take \(lead) \(depth); {4} is blocked {5} ms of each second; "
                        + "which process causes it cannot be told from this data",
                    patterns: patterns,
                    hints: ["Check {0} itself: its error log, its rate limit if it is virtual, its RAID state"]),
                values + [sufferer.name, Text.number(sufferer.stall)])
        case (nil, nil):
            return Message(
                .init(
                    summary: "Requests on {0} take \(lead) \(depth); "
                        + "who causes it and who waits cannot be told from this data",
                    patterns: patterns,
                    hints: ["Per-process I/O comes from io_latency_tracer and sched_tracer: see /api/diagnostics"]),
                values)
        }
    }
}
