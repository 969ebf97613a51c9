import Model

/// Tasks stall because memory has to be reclaimed for them. `docs/signals/memory_pressure.md`.
struct MemoryPressure: Rule {
    static let type = SignalType.memoryPressure

    /// Who took the memory in the tick before.
    private var last: [Suspect] = []

    mutating func evaluate(_ situation: Situation) -> Verdict {
        defer { last = takers(situation) }
        let host = situation.tick.host
        var observations: [Observation] = []
        if let kills = host.vm?.oomKills, kills > 0 { observations.append(killed(kills, situation)) }
        guard host.pressure != nil || host.vm != nil && host.memory != nil else {
            return Verdict(
                observations: observations,
                blindness: "/proc/pressure/memory is missing, and /proc/vmstat and /proc/meminfo could not be read")
        }
        if let stalls = stalls(situation) { observations.append(stalls) }
        return Verdict(observations: observations)
    }

    private func stalls(_ situation: Situation) -> Observation? {
        let host = situation.tick.host
        let bands = situation.thresholds
        let used = host.memory?.usedShare
        let reclaim = host.vm.map { $0.allocationStallsPerSecond + ($0.directScanPerSecond > 0 ? 1 : 0) } ?? 0
        var evidence: [Evidence] = []
        let symptom: Grade
        let strength: Double
        if let stall = host.pressure?.memory.some {
            symptom = bands.memoryStall.grade(of: stall)
            strength = bands.memoryStall.strength(of: stall)
            evidence.append(situation.evidence("pressure.memory.some", stall, "share", bands.memoryStall.low))
        } else {
            // Without PSI: memory is nearly used up, and allocations wait for reclaim.
            symptom = bands.memoryUsed.grade(of: used ?? 0)
            strength = reclaim > 0 ? bands.memoryUsed.strength(of: used ?? 0) : 0
        }
        guard strength >= 0.5 else { return nil }
        if let memory = host.memory {
            evidence.append(situation.evidence("memory.used", memory.usedShare, "share", bands.memoryUsed.low))
            evidence.append(situation.evidence("memory.available", Double(memory.available), "B"))
        }
        if let vm = host.vm {
            evidence.append(situation.evidence("vm.direct_scan", vm.directScanPerSecond, "pages/s"))
            evidence.append(situation.evidence("vm.allocation_stalls", vm.allocationStallsPerSecond, "1/s"))
            evidence.append(situation.evidence("vm.refaults", vm.refaultsPerSecond, "pages/s"))
        }
        // What runs out for whoever comes next is a harm of its own, known victims or not.
        let shortage = used.flatMap {
            reclaim > 0 && $0 >= bands.memoryUsed.medium ? bands.memoryUsed.grade(of: $0) : nil
        }
        let suffering = situation.memory.suffering(bands.faultStall)
        let harm = [shortage, suffering].compactMap(\.self).max { $0 < $1 }
        return Observation(
            key: Episode.Key(type: Self.type, entity: .host, label: Self.type.rawValue),
            grade: symptom.suffered(harm), strength: strength,
            finding: Finding(
                message: message(situation), evidence: evidence, culprits: situation.memory.culprits,
                victims: suffering == nil ? [] : situation.memory.victims))
    }

    private func message(_ situation: Situation) -> Message {
        let host = situation.tick.host
        let stall = host.pressure.map { "stall on memory \(Text.percent($0.memory.some)) % of the time" }
        let values = [
            stall ?? "wait for reclaim (no PSI on this kernel)", Text.bytes(Double(host.memory?.available ?? 0)),
        ]
        let lead = "Tasks {0} with {1} available"
        guard let suspect = situation.memory.suspects.first else {
            return Message(
                .init(
                    summary: "\(lead); which process takes the memory cannot be told from this data",
                    hints: ["List resident memory by process and by cgroup; look for one that grows"]), values)
        }
        let (takes, taken) = taking(suspect, situation)
        guard let sufferer = situation.memory.sufferers.first, sufferer.excess >= situation.thresholds.faultStall.low
        else {
            return Message(
                .init(
                    summary: "\(lead); \(takes)",
                    hints: ["Limit {2} (memory.high) or make it smaller; available memory says how long that can wait"]),
                values + taken)
        }
        let (who, stalled) = ("{\(values.count + taken.count)}", "{\(values.count + taken.count + 1)}")
        return Message(
            .init(
                summary: "\(lead); \(takes); \(who) waits \(stalled) ms of each second for pages",
                hints: [
                    "Limit {2} with memory.high, so that it reclaims from itself",
                    "Protect the working set of \(who) with memory.low",
                ]), values + taken + [sufferer.name, Text.number(sufferer.stall)])
    }

    /// What a suspect takes, and the values from {2} on.
    private func taking(_ suspect: Suspect, _ situation: Situation) -> (String, [String]) {
        guard situation.memory.measure != Contention.cacheMeasure else {
            return ("{2} reads {3} a second through the page cache", [suspect.name, Text.bytes(suspect.amount)])
        }
        let demand = suspect.process.pageDemand(
            over: situation.tick.interval, returning: Contention.returningShare(of: situation.tick))
        return (
            "{2} holds {3} and demands {4} more a second",
            [suspect.name, Text.bytes(Double(suspect.process.proc?.residentBytes ?? 0)), Text.bytes(demand)]
        )
    }

    /// The kernel ended a process because memory ran out, on the host or in a cgroup: no second tick is needed as proof.
    private func killed(_ kills: UInt64, _ situation: Situation) -> Observation {
        let used = situation.tick.host.memory?.usedShare ?? 0
        let isHost = used >= situation.thresholds.memoryUsed.high
        let suspects = suspectsOfKill(situation)
        let suspect = suspects.first
        let values = [
            "\(kills)", kills == 1 ? "process" : "processes",
            Text.bytes(Double(situation.tick.host.memory?.available ?? 0)), suspect?.name ?? "",
        ]
        let blame = suspect == nil ? "" : "; {3} takes most of the memory"
        let summary =
            isHost
            ? "The kernel killed {0} {1} for want of memory with {2} available\(blame)"
            : "The kernel killed {0} {1} at a cgroup's memory limit, with {2} available on the host\(blame)"
        return Observation(
            key: Episode.Key(type: Self.type, entity: .host, label: "oom_kill"),
            grade: Grade(severity: isHost ? .critical : .high, score: isHost ? 1 : 0.85), strength: 1,
            finding: Finding(
                message: Message(.init(summary: summary, hints: ["The kernel log names who was killed"]), values),
                evidence: [
                    situation.evidence("vm.oom_kills", Double(kills), "processes", 1),
                    situation.evidence("memory.used", used, "share", situation.thresholds.memoryUsed.high),
                ], culprits: suspects.map { $0.culprit(measure: situation.memory.measure) }), opensAtOnce: true)
    }

    /// Whom a kill for want of memory could be about: page cache is given up before anybody is killed.
    private func takers(_ situation: Situation) -> [Suspect] {
        situation.memory.measure == Contention.cacheMeasure ? [] : situation.memory.suspects
    }

    /// Whoever was killed may have taken its memory in the tick before, and now shows little: it comes first if it is gone.
    private func suspectsOfKill(_ situation: Situation) -> [Suspect] {
        let now = takers(situation)
        let gone = last.first { suspect in
            situation.tick.processes.contains { $0.exited && $0.identity == suspect.process.identity }
        }
        guard let gone else { return now }
        return [gone] + now.filter { $0.process.identity != gone.process.identity }
    }
}
