import Model

/// The kernel ended processes because memory ran out, on the host or in a cgroup. Part of memory_pressure;
/// `docs/signals/memory_pressure.md`.
struct OOMKills {
    /// Who was ended by SIGKILL in the tick before: the count and the exit may be seen in different ticks.
    private var ended: [ProcessActivity] = []
    /// Kills of the tick before, while it is not known whom they hit.
    private var open: UInt64 = 0

    /// No second tick is needed as proof.
    mutating func observe(_ situation: Situation) -> Observation? {
        let now = situation.tick.processes.filter(\.killed)
        let counted = situation.tick.host.vm?.oomKills ?? 0
        let kills = counted > 0 ? counted : now.isEmpty ? 0 : open
        let hit = kills == 0 ? [] : Array(largestFirst(now + ended).prefix(Int(kills)))
        open = counted > 0 && hit.isEmpty ? counted : 0
        ended = hit.isEmpty ? now : []
        return kills == 0 ? nil : observation(kills, hit, situation)
    }

    /// What it took last is all that is left to see of a process that has ended. The kernel kills who has most.
    private func largestFirst(_ processes: [ProcessActivity]) -> [ProcessActivity] {
        processes.sorted { (pages($1), $0.identity.pid) < (pages($0), $1.identity.pid) }
    }

    private func pages(_ process: ProcessActivity) -> UInt64 {
        process.faults.map { $0.minor + $0.major } ?? 0
    }

    private func observation(_ kills: UInt64, _ hit: [ProcessActivity], _ situation: Situation) -> Observation {
        let tick = situation.tick
        let used = tick.host.memory?.usedShare ?? 0
        let isHost = used >= situation.thresholds.memoryUsed.high
        let takers = takers(situation, isHost: isHost).filter { taker in
            !hit.contains { $0.identity == taker.process.identity }
        }
        var values = [
            "\(kills)", kills == 1 ? "process" : "processes", Text.bytes(Double(tick.host.memory?.available ?? 0)),
        ]
        var killed = "{0} {1}"
        if let first = hit.first {
            killed = kills == 1 ? "{3}" : "{0} {1}, {3} among them,"
            values.append(Sufferer(process: first, stall: 0).name)
        }
        var summary =
            isHost
            ? "The kernel killed \(killed) for want of memory with {2} available"
            : "The kernel killed \(killed) at a cgroup's memory limit, with {2} available on the host"
        if let taker = takers.first {
            summary += "; {\(values.count)} takes most of the memory"
            values.append(taker.name)
        }
        return Observation(
            key: Episode.Key(type: MemoryPressure.type, entity: .host, label: "oom_kill"),
            grade: Grade(severity: isHost ? .critical : .high, score: isHost ? 1 : 0.85), strength: 1,
            finding: Finding(
                message: Message(.init(summary: summary, hints: ["The kernel log names who was killed"]), values),
                evidence: [
                    situation.evidence("vm.oom_kills", Double(kills), "processes", 1),
                    situation.evidence("memory.used", used, "share", situation.thresholds.memoryUsed.high),
                ],
                culprits: hit.map { culprit($0, situation) }
                    + takers.map { $0.culprit(measure: situation.memory.measure) }), opensAtOnce: true)
    }

    /// Who else could be to blame. A cgroup's limit is no matter of those outside it, and whose limit it was is not known
    /// where exits are seen; page cache is given up before anybody is killed.
    private func takers(_ situation: Situation, isHost: Bool) -> [Suspect] {
        let tick = situation.tick
        let seesExits = tick.syscalls != nil || tick.scheduler != nil || tick.pageFaults != nil || tick.blockIO != nil
        guard isHost || !seesExits, situation.memory.measure != Contention.cacheMeasure else { return [] }
        return situation.memory.suspects
    }

    private func culprit(_ process: ProcessActivity, _ situation: Situation) -> Culprit {
        func demand(_ process: ProcessActivity) -> Double {
            process.pageDemand(over: situation.tick.interval, returning: 0)
        }
        let all = situation.tick.processes.reduce(0) { $0 + demand($1) }
        return Culprit(
            process: process.identity, comm: process.comm, cgroup: process.cgroupName,
            share: all > 0 ? min(1, demand(process) / all) : 1, measure: "pages demanded before the kill")
    }
}
