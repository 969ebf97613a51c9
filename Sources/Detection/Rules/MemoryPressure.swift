import Model

/// Tasks stall because memory has to be reclaimed for them. `docs/signals/memory_pressure.md`.
struct MemoryPressure: Rule {
    static let type = SignalType.memoryPressure

    private var kills = OOMKills()

    mutating func evaluate(_ situation: Situation) -> Verdict {
        let host = situation.tick.host
        var observations = [kills.observe(situation)].compactMap(\.self)
        guard host.pressure != nil || host.vm != nil && host.memory != nil else {
            return Verdict(
                observations: observations,
                blindness: "/proc/pressure/memory is missing, and /proc/vmstat and /proc/meminfo could not be read")
        }
        if let stalls = stalls(situation) { observations.append(stalls) }
        return Verdict(
            observations: observations, blindness: situation.blindToReturning, blindLabels: [Self.type.rawValue],
            blindToVictims: situation.blindToBlocked)
    }

    private func stalls(_ situation: Situation) -> Observation? {
        let host = situation.tick.host
        let bands = situation.thresholds
        let used = host.memory?.usedShare
        let reclaim = host.vm.map { $0.allocationStallsPerSecond + ($0.directScanPerSecond > 0 ? 1 : 0) } ?? 0
        var evidence: [Evidence] = []
        let stall = situation.memoryStall
        var symptom = bands.memoryStall.grade(of: stall.share)
        var strength = bands.memoryStall.strength(of: stall.share)
        if let counted = stall.counted {
            evidence.append(situation.evidence("pressure.memory.some", counted, "share", bands.memoryStall.low))
        } else if reclaim > 0, let used {
            // Without PSI: memory is nearly used up, and allocations wait for reclaim.
            symptom = [symptom, bands.memoryUsed.grade(of: used)].max { $0 < $1 } ?? symptom
            strength = max(strength, bands.memoryUsed.strength(of: used))
        }
        guard strength >= 0.5 else { return nil }
        if let returning = stall.returning, returning > 0 {
            evidence.append(situation.evidence("memory.returning", returning, "share", bands.memoryStall.low))
        }
        if let memory = host.memory {
            evidence.append(situation.evidence("memory.used", memory.usedShare, "share", bands.memoryUsed.low))
            evidence.append(situation.evidence("memory.available", Double(memory.available), "B"))
        }
        if let vm = host.vm {
            evidence.append(situation.evidence("vm.scan.direct", vm.directScanPerSecond, "pages/s"))
            evidence.append(situation.evidence("vm.steal.direct", vm.directStealPerSecond, "pages/s"))
            if let taken = vm.limitStealPerSecond {
                evidence.append(situation.evidence("vm.steal.limit", taken, "pages/s"))
            }
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
        let available = Double(situation.tick.host.memory?.available ?? 0)
        let values = [wait(situation), Text.bytes(available)]
        let lead = "{0} with {1} available"
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

    /// What happens for want of memory.
    private func wait(_ situation: Situation) -> String {
        let (counted, returning) = (situation.memoryStall.counted, situation.memoryStall.returning ?? 0)
        if returning > counted ?? situation.thresholds.memoryStall.low {
            return "A process waits \(Text.percent(returning)) % of the time for pages that had been in memory,"
        }
        guard let counted else { return "Tasks wait for reclaim (no PSI on this kernel)" }
        return "Tasks stall on memory \(Text.percent(counted)) % of the time"
    }

    /// What a suspect takes, and the values from {2} on.
    private func taking(_ suspect: Suspect, _ situation: Situation) -> (String, [String]) {
        guard situation.memory.measure != Contention.cacheMeasure else {
            return ("{2} reads {3} a second through the page cache", [suspect.name, Text.bytes(suspect.amount)])
        }
        let holder = holder(of: suspect, in: situation.parties)
        let demand = holder.pageDemand(
            over: situation.tick.interval, returning: Contention.returningShare(of: situation.tick))
        return (
            "{2} holds {3} and demands {4} more a second",
            [suspect.name, Text.bytes(Double(holder.proc?.residentBytes ?? 0)), Text.bytes(demand)]
        )
    }

    /// The process of that name that holds most: who stands for a suspect may be one that holds less. What they share is in each, so
    /// that a sum says nothing.
    private func holder(of suspect: Suspect, in parties: Parties) -> ProcessActivity {
        suspect.parties.flatMap { parties.members[$0] }.map { parties.processes[$0] }
            .filter { $0.comm == suspect.process.comm }
            .max { ($0.proc?.residentBytes ?? 0) < ($1.proc?.residentBytes ?? 0) } ?? suspect.process
    }
}
