import Model

/// One process that waits for its pages. `docs/signals/page_fault.md`.
struct PageFaultRule: Rule {
    static let type = SignalType.pageFault
    static let label = "major_faults"
    static let most = 5
    /// A minor fault of at least this long did not just map a page: it reclaimed or waited for a lock.
    static let slowFault = UInt64(TracerName.pageFault.defaultThresholdMilliseconds * 1e6)

    func evaluate(_ situation: Situation) -> Verdict {
        let bands = situation.thresholds.faultStall
        let waits = waits(in: situation)
        var found: [(sufferer: Sufferer, grade: Grade)] = []
        for process in situation.tick.processes where !process.isKernelThread {
            guard let waited = waits(process) else { continue }
            var sufferer = Sufferer(process: process, stall: situation.millisecondsPerSecond(waited))
            // Some programs wait for their pages all the time, and nobody minds.
            sufferer.usual = (situation.usual["process.fault_stall:\(process.comm)"]?.profile.p95)
                .map { min($0, bands.medium) }
            guard bands.strength(of: sufferer.excess) >= 0.5 else { continue }
            let relation = situation.paging(of: process.identity).relation(of: process, in: situation.parties)
            found.append((sufferer, bands.grade(of: sufferer.excess).blamed(relation)))
        }
        // Ranked by what it is worth: those who thrash themselves must not crowd out the one that they hurt.
        found.sort {
            ($1.grade.severity, $1.sufferer.excess, $0.sufferer.process.identity.pid) < (
                $0.grade.severity, $0.sufferer.excess, $1.sufferer.process.identity.pid
            )
        }
        let observations = found.prefix(Self.most).map { observe($0.sufferer, $0.grade, situation) }
        guard situation.tick.pageFaults == nil else { return Verdict(observations: observations) }
        let others = storms(situation, without: Set(found.map(\.sufferer.process.identity)))
        return Verdict(
            observations: observations + others.prefix(Self.most - observations.count),
            blindness: "page-fault latency comes from page_fault_tracer, which does not run")
    }

    /// How long a process waited in the tick, in nanoseconds: by the latency of its faults, or, while that is not measured, by
    /// what the kernel counts as a stall on memory, which leaves out pages that are read for the first time.
    private func waits(in situation: Situation) -> (ProcessActivity) -> UInt64? {
        guard let reading = situation.tick.pageFaults else { return { $0.scheduling?.memoryStallNanoseconds } }
        var slow: [ProcessIdentity: UInt64] = [:]
        for event in reading.events where !event.major && event.latencyNanoseconds >= Self.slowFault {
            slow[event.task.process, default: 0] += event.latencyNanoseconds
        }
        return { process in
            process.faults.map { $0.majorLatencyNanoseconds &+ (slow[process.identity] ?? 0) }
        }
    }

    private func observe(_ sufferer: Sufferer, _ grade: Grade, _ situation: Situation) -> Observation {
        let (process, stall) = (sufferer.process, sufferer.stall)
        let low = situation.thresholds.faultStall.low
        let isTimed = situation.tick.pageFaults != nil
        let majors = isTimed ? situation.perSecond(process.faults?.major ?? 0) : process.proc?.majorFaultsPerSecond
        let contention = situation.paging(of: process.identity)
        let relation = contention.relation(of: process, in: situation.parties)
        var culprits = contention.suspects
        let mean = majors.map { $0 > 0 ? stall / $0 : stall }
        let values = [sufferer.name, Text.number(stall), majors.map(Text.number) ?? "", mean.map(Text.number) ?? ""]
        let lead =
            isTimed
            ? "{0} waits {1} ms of each second for its pages: {2} major faults of {3} ms each"
            : "{0} stalls on memory for {1} ms of each second" + (majors == nil ? "" : ", with {2} major faults")
        let message: Message
        switch (relation, contention.suspects.first) {
        case (.outside, let suspect?):
            let cause =
                contention.measure == situation.memory.measure
                ? "{4} pushes \(isTimed ? "them" : "its pages") out of memory" : "{4} keeps the device busy"
            message = Message(
                .init(
                    summary: "\(lead); \(cause)",
                    patterns: ["{4}: {5} % of \(contention.measure)"],
                    hints: ["Limit {4}, or keep the pages of {0} in memory (memory.low, mlock)"]),
                values + [suspect.name, Text.percent(suspect.share)])
        case (.own, _):
            message = Message(
                .init(
                    summary: "\(lead); it causes that itself",
                    hints: ["{0} reads more than it keeps: readahead (madvise WILLNEED) or more memory for it"]), values
            )
        default:
            culprits = []
            message = Message(
                .init(
                    summary: "\(lead); who causes it cannot be told from this data",
                    hints: ["Nobody else takes much memory or I/O: check the speed of the device under {0}"]), values)
        }
        return Observation(
            key: Episode.Key(
                type: Self.type, entity: .process(process.identity, name: process.comm), label: Self.label),
            grade: grade, strength: situation.thresholds.faultStall.strength(of: sufferer.excess),
            finding: Finding(
                message: message,
                evidence: [
                    situation.evidence(
                        "process.fault_stall", stall, "ms/s", low + (sufferer.usual ?? 0), of: process.comm),
                    majors.map {
                        situation.evidence("process.major_faults", $0, "1/s", situation.thresholds.majorFaults.low)
                    },
                ].compactMap(\.self), culprits: culprits.map { $0.culprit(measure: contention.measure) },
                victims: [sufferer.victim(stall: isTimed ? "page-fault latency" : "waiting for memory")]))
    }

    /// /proc counts major faults of the top consumers but not how long they took: a storm shows, a stall does not, and
    /// what is not known to hurt is low.
    private func storms(_ situation: Situation, without known: Set<ProcessIdentity>) -> [Observation] {
        let bands = situation.thresholds.majorFaults
        let counted = situation.tick.processes.filter { !known.contains($0.identity) }.compactMap { process in
            process.proc.map { (process: process, rate: $0.majorFaultsPerSecond) }
        }
        let storms = counted.filter { bands.strength(of: $0.rate) >= 0.5 && !$0.process.isKernelThread }
            .sorted { ($1.rate, $0.process.identity.pid) < ($0.rate, $1.process.identity.pid) }
        return storms.prefix(Self.most).map { storm in
            Observation(
                key: Episode.Key(
                    type: Self.type, entity: .process(storm.process.identity, name: storm.process.comm),
                    label: Self.label),
                grade: bands.grade(of: storm.rate).capped(at: .low), strength: bands.strength(of: storm.rate),
                finding: Finding(
                    message: Message(
                        .init(
                            summary: "{0} takes {1} major faults a second; how long it waits for them is not measured",
                            hints: ["See /api/diagnostics for what page_fault_tracer needs to run"]),
                        [Sufferer(process: storm.process, stall: 0).name, Text.number(storm.rate)]),
                    evidence: [situation.evidence("process.major_faults", storm.rate, "1/s", bands.low)]))
        }
    }
}
