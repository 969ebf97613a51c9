import Model

/// One process that waits for its pages. `docs/signals/page_fault.md`.
struct PageFaultRule: Rule {
    static let type = SignalType.pageFault
    static let label = "major_faults"
    /// While faults are not timed.
    static let stallLabel = "memory_stall"
    static let most = 5
    /// A minor fault of at least this long did not just map a page: it reclaimed or waited for a lock.
    static let slowFault = UInt64(TracerName.pageFault.defaultThresholdMilliseconds * 1e6)

    func evaluate(_ situation: Situation) -> Verdict {
        if let reading = situation.tick.pageFaults {
            return Verdict(observations: observe(PageWait(timedBy: reading), situation))
        }
        // What the kernel counts as a stall ends where everybody can see it. What it leaves out does not.
        let stalls = observe(PageWait.memoryStall, situation)
        let storms = storms(situation, without: Set(stalls.map(\.key)))
        return Verdict(
            observations: stalls + storms.prefix(Self.most - stalls.count),
            blindness: "page-fault latency comes from page_fault_tracer, which does not run",
            blindLabels: situation.tick.scheduler == nil ? [] : [Self.label])
    }

    private func observe(_ wait: PageWait, _ situation: Situation) -> [Observation] {
        let bands = situation.thresholds.faultStall
        var found: [(sufferer: Sufferer, grade: Grade)] = []
        for process in situation.tick.processes where !process.isKernelThread {
            guard let waited = wait.nanoseconds(process) else { continue }
            var sufferer = Sufferer(process: process, stall: situation.millisecondsPerSecond(waited))
            // Some programs wait for their pages all the time, and nobody minds.
            sufferer.usual = (situation.usual["\(wait.metric):\(process.comm)"]?.profile.p95)
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
        return found.prefix(Self.most).map { observation(of: wait, $0.sufferer, $0.grade, situation) }
    }

    private func observation(
        of wait: PageWait, _ sufferer: Sufferer, _ grade: Grade, _ situation: Situation
    ) -> Observation {
        let (process, stall) = (sufferer.process, sufferer.stall)
        let majors = wait.majorFaults(process, situation)
        let contention = situation.paging(of: process.identity)
        let relation = contention.relation(of: process, in: situation.parties)
        var culprits = contention.suspects
        let mean = majors.map { $0 > 0 ? stall / $0 : stall }
        let values = [sufferer.name, Text.number(stall), majors.map(Text.number) ?? "", mean.map(Text.number) ?? ""]
        let lead = majors == nil ? wait.lead : wait.lead + wait.faults
        let message: Message
        switch (relation, contention.suspects.first) {
        case (.outside, let suspect?):
            let cause =
                contention.measure == situation.memory.measure
                ? "{4} pushes \(wait.pages) out of memory" : "{4} keeps the device busy"
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
                .init(summary: "\(lead); who causes it cannot be told from this data", hints: [wait.hint]), values)
        }
        let bands = situation.thresholds
        let evidence = [
            situation.evidence(
                wait.metric, stall, "ms/s", bands.faultStall.low + (sufferer.usual ?? 0), of: process.comm),
            majors.map { situation.evidence("process.major_faults", $0, "1/s", bands.majorFaults.low) },
        ].compactMap(\.self)
        return Observation(
            key: Episode.Key(
                type: Self.type, entity: .process(process.identity, name: process.comm), label: wait.label),
            grade: grade, strength: bands.faultStall.strength(of: sufferer.excess),
            finding: Finding(
                message: message, evidence: evidence,
                culprits: culprits.map { $0.culprit(measure: contention.measure) },
                victims: [sufferer.victim(stall: wait.stall)]))
    }

    /// /proc counts major faults of the top consumers but not how long they took: a storm shows, a stall does not, and
    /// what is not known to hurt is low.
    private func storms(_ situation: Situation, without known: Set<Episode.Key>) -> [Observation] {
        let bands = situation.thresholds.majorFaults
        let counted = situation.tick.processes.compactMap { process in
            process.proc.map { (process: process, rate: $0.majorFaultsPerSecond) }
        }
        let storms = counted.filter { bands.strength(of: $0.rate) >= 0.5 && !$0.process.isKernelThread }
            .sorted { ($1.rate, $0.process.identity.pid) < ($0.rate, $1.process.identity.pid) }
        return storms.compactMap { storm in
            let entity = Entity.process(storm.process.identity, name: storm.process.comm)
            guard !known.contains(Episode.Key(type: Self.type, entity: entity, label: Self.stallLabel)) else {
                return nil
            }
            return Observation(
                key: Episode.Key(type: Self.type, entity: entity, label: Self.label),
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
