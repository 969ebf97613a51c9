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
            return Verdict(observations: observe(FaultLatency(reading), situation))
        }
        // What the kernel counts as a stall ends where everybody can see it. What it leaves out does not.
        let stalls = observe(MemoryStall(), situation)
        let storms = storms(situation, without: Set(stalls.map(\.key)))
        return Verdict(
            observations: stalls + storms.prefix(Self.most - stalls.count),
            blindness: "page-fault latency comes from page_fault_tracer, which does not run",
            blindLabels: situation.tick.scheduler == nil ? [] : [Self.label])
    }

    private func observe(_ wait: some PageWait, _ situation: Situation) -> [Observation] {
        let bands = situation.thresholds.faultStall
        var found: [(sufferer: Sufferer, grade: Grade)] = []
        for process in situation.tick.processes where !process.isKernelThread {
            guard let waited = wait.nanoseconds(of: process) else { continue }
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
        of wait: some PageWait, _ sufferer: Sufferer, _ grade: Grade, _ situation: Situation
    ) -> Observation {
        let (process, stall) = (sufferer.process, sufferer.stall)
        let majors = wait.majorFaults(of: process, over: situation.tick.interval)
        let contention = situation.paging(of: process.identity)
        let relation = contention.relation(of: process, in: situation.parties)
        var culprits = contention.suspects
        let mean = majors.map { $0 > 0 ? stall / $0 : stall }
        let values = [sufferer.name, Text.number(stall), majors.map(Text.number) ?? "", mean.map(Text.number) ?? ""]
        let lead = wait.lead(countsFaults: majors != nil)
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

/// A way to know how long a process waits for its pages.
private protocol PageWait {
    var label: String { get }
    /// Under which it is learned what is usual.
    var metric: String { get }
    var stall: String { get }
    /// What a sentence calls the pages after its lead.
    var pages: String { get }
    /// Where nobody is to blame.
    var hint: String { get }

    /// How long it waited in the tick; `nil` where that is not measured.
    func nanoseconds(of process: ProcessActivity) -> UInt64?
    /// Per second.
    func majorFaults(of process: ProcessActivity, over interval: Double) -> Double?
    func lead(countsFaults: Bool) -> String
}

/// By the latency of its faults.
private struct FaultLatency: PageWait {
    let label = PageFaultRule.label
    let metric = "process.fault_stall"
    let stall = "page-fault latency"
    let pages = "them"
    let hint = "Nobody else takes much memory or I/O: check the speed of the device under {0}"
    private var slow: [ProcessIdentity: UInt64] = [:]

    init(_ reading: PageFaultReading) {
        for event in reading.events where !event.major && event.latencyNanoseconds >= PageFaultRule.slowFault {
            slow[event.task.process, default: 0] += event.latencyNanoseconds
        }
    }

    func nanoseconds(of process: ProcessActivity) -> UInt64? {
        process.faults.map { $0.majorLatencyNanoseconds &+ (slow[process.identity] ?? 0) }
    }

    func majorFaults(of process: ProcessActivity, over interval: Double) -> Double? {
        Double(process.faults?.major ?? 0) / interval
    }

    func lead(countsFaults: Bool) -> String {
        "{0} waits {1} ms of each second for its pages: {2} major faults of {3} ms each"
    }
}

/// By what the kernel counts as a stall on memory, which leaves out pages that are read for the first time.
private struct MemoryStall: PageWait {
    let label = PageFaultRule.stallLabel
    let metric = "process.memory_stall"
    let stall = "waiting for memory"
    let pages = "its pages"
    let hint = "Nobody else takes much memory: check the limit of its control group"

    func nanoseconds(of process: ProcessActivity) -> UInt64? { process.scheduling?.memoryStallNanoseconds }

    func majorFaults(of process: ProcessActivity, over interval: Double) -> Double? {
        process.proc?.majorFaultsPerSecond
    }

    func lead(countsFaults: Bool) -> String {
        "{0} stalls on memory for {1} ms of each second" + (countsFaults ? ", with {2} major faults" : "")
    }
}
