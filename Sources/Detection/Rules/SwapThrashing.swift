import Model

/// Pages go out to swap and come back. `docs/signals/swap_thrashing.md`.
struct SwapThrashing: Rule {
    static let type = SignalType.swapThrashing

    func evaluate(_ situation: Situation) -> Verdict {
        let bands = situation.thresholds
        let host = situation.tick.host
        guard let vm = host.vm else { return .cannotTell("/proc/vmstat could not be read") }
        // Pages that only go out make room once; thrashing is when they are wanted back.
        let back = min(vm.swapInPerSecond, vm.majorFaultsPerSecond * 8)
        let strength = bands.swapRate.strength(of: back)
        guard strength >= 0.5 else { return Verdict() }
        var symptom = bands.swapRate.grade(of: back)
        if situation.memoryStall.counted != nil {
            symptom = symptom.limited(by: bands.memoryStall.grade(of: situation.memoryStall.share))
        }
        let memory = situation.memory
        let usedShare = host.memory?.swapUsedShare ?? 0
        let suffering = memory.suffering(bands.faultStall)
        let shortage = usedShare >= bands.swapUsed.high ? bands.swapUsed.grade(of: usedShare) : nil
        let harm = [suffering, shortage].compactMap(\.self).max { $0 < $1 }
        let observation = Observation(
            key: Episode.Key(type: Self.type, entity: .host, label: Self.type.rawValue),
            grade: symptom.suffered(harm), strength: strength,
            finding: Finding(
                message: message(vm, usedShare: usedShare, memory),
                evidence: [
                    situation.evidence("vm.swap_in", vm.swapInPerSecond, "pages/s", bands.swapRate.low),
                    situation.evidence("vm.swap_out", vm.swapOutPerSecond, "pages/s"),
                    situation.evidence("vm.major_faults", vm.majorFaultsPerSecond, "1/s"),
                    situation.evidence("memory.swap_used", usedShare, "share", bands.swapUsed.high),
                ], culprits: memory.culprits, victims: suffering == nil ? [] : memory.victims))
        return Verdict(
            observations: [observation], blindness: host.pressure == nil ? nil : situation.blindToReturning,
            blindToVictims: situation.blindToBlocked)
    }

    private func message(_ vm: VMReading, usedShare: Double, _ memory: Contention) -> Message {
        let values = [
            Text.number(vm.swapInPerSecond), Text.number(vm.swapOutPerSecond), Text.number(vm.majorFaultsPerSecond),
            Text.percent(usedShare),
        ]
        let lead = "{0} pages a second come back from swap and {1} go out, with {2} major faults; {3} % of swap is used"
        guard let suspect = memory.suspects.first else {
            return Message(
                .init(
                    summary: "\(lead); which process takes the memory cannot be told from this data",
                    hints: ["Working sets exceed memory: list resident memory by process"]), values)
        }
        return Message(
            .init(
                summary: "\(lead); {4} takes {5} % of the \(memory.measure)",
                hints: ["Limit {4} with memory.high, or stop it: less swappiness will not help while it wants more"]),
            values + [suspect.name, Text.percent(suspect.share)])
    }
}
