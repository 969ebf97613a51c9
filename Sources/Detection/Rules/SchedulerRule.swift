import Model

/// One process that waits for CPUs, or switches far too often. `docs/signals/scheduler.md`.
struct SchedulerRule: Rule {
    static let type = SignalType.scheduler
    /// Findings per label and tick; on a host where everybody starves the worst few tell the story.
    static let most = 5

    func evaluate(_ situation: Situation) -> Verdict {
        guard situation.tick.knowsScheduling else { return .cannotTell(situation.blindToWaits ?? "") }
        var verdict = Verdict(observations: starvation(situation) + storms(situation))
        verdict.blindToVictims = situation.blindToWaits
        if situation.tick.syscalls == nil {
            verdict.blindness = "whether threads fight over a lock comes from syscall_tracer, which does not run"
            verdict.blindLabels = ["lock_contention_induced"]
        }
        return verdict
    }

    // MARK: cpu_starvation

    private func starvation(_ situation: Situation) -> [Observation] {
        let bands = situation.thresholds.runQueueWait
        return situation.cpu.sufferers.prefix(Self.most).compactMap { sufferer in
            let strength = bands.strength(of: sufferer.excess)
            guard strength >= 0.5, let scheduling = sufferer.process.scheduling else { return nil }
            let holders = Contention.holders(
                of: [sufferer.process], among: situation.cpu.sufferers, situation.tick, situation.parties)
            // Who may run on few CPUs need not wait for whoever takes most of the others.
            let isPinned = sufferer.process.isPinned(among: situation.tick.cores)
            let suspects = holders ?? (isPinned ? [] : situation.cpu.suspects)
            let longest = scheduling.longestWaitNanoseconds.map { Double($0) / 1e6 }
            let used = sufferer.process.coresUsed(over: situation.tick.interval) * 1000
            let values = [
                sufferer.name, Text.number(sufferer.stall), Text.number(used),
                Text.number(longest ?? 0),
            ]
            let longestWait = longest == nil ? [] : ["longest wait {3} ms"]
            let message: Message
            if let suspect = suspects.first {
                message = Message(
                    .init(
                        summary: "{0} waits {1} ms of each second for a CPU and runs {2} ms; {4} holds the CPUs",
                        patterns: longestWait + ["{4} accounts for {5} %"],
                        hints: [
                            "Raise the weight of {0}, or lower that of {4} (across sessions: the autogroup's or cgroup's)",
                            "If {0} is pinned, check that its cores are not the ones that {4} runs on",
                        ]), values + [suspect.name, Text.percent(suspect.share)])
            } else {
                message = Message(
                    .init(
                        summary:
                            "{0} waits {1} ms of each second for a CPU and runs {2} ms; nobody holds most of the CPUs",
                        patterns: longestWait,
                        hints: ["Check the affinity and the cgroup quota (cpu.max, cpu.stat nr_throttled) of {0}"]),
                    values)
            }
            let measure = situation.cpu.measure
            return Observation(
                key: key(sufferer.process, "cpu_starvation"),
                grade: bands.grade(of: sufferer.excess).blamed(suspects.isEmpty ? .unknown : .outside),
                strength: strength,
                finding: Finding(
                    message: message,
                    evidence: [
                        situation.evidence(
                            "process.runq_wait", sufferer.stall, "ms/s", bands.low + (sufferer.usual ?? 0),
                            of: sufferer.process.comm),
                        situation.evidence("process.cpu", used, "ms/s"),
                    ] + (longest.map { [situation.evidence("process.runq_longest_wait", $0, "ms")] } ?? []),
                    culprits: suspects.map { $0.culprit(measure: measure) },
                    victims: [sufferer.victim(stall: situation.cpu.stall)]))
        }
    }

    // MARK: thrashing, lock_contention_induced

    private func storms(_ situation: Situation) -> [Observation] {
        let parties = situation.parties
        let bands = situation.thresholds.switchStorm
        var storms: [(party: Int, rate: Double)] = []
        var all = 0.0
        for (party, positions) in parties.members.enumerated() {
            let rate = positions.reduce(0) { $0 + situation.switches(of: parties.processes[$1]) }
            all += rate
            if bands.strength(of: rate) >= 0.5, !parties.processes[positions[0]].isKernelThread {
                storms.append((party, rate))
            }
        }
        storms.sort { ($1.rate, $0.party) < ($0.rate, $1.party) }
        return storms.prefix(Self.most).map { observe(party: $0.party, rate: $0.rate, of: all, situation) }
    }

    private func observe(party: Int, rate: Double, of all: Double, _ situation: Situation) -> Observation {
        let parties = situation.parties
        let bands = situation.thresholds
        let members = parties.members[party].map { parties.processes[$0] }
        // The oldest process that takes part stands for the party: the busiest changes from tick to tick.
        let storming = members.filter { situation.switches(of: $0) >= rate / Double(2 * members.count) }
        let process = storming.min { $0.isNamedBefore($1) } ?? members[0]

        let scheduling = members.compactMap(\.scheduling)
        let voluntary = scheduling.reduce(0) { $0 + $1.voluntarySwitches }
        let involuntary = scheduling.reduce(0) { $0 + $1.involuntarySwitches }
        let locks = members.compactMap { $0.calls?[.lockContention] }
        let lockCalls = locks.reduce(0) { $0 + $1.count }
        let lockMilliseconds = locks.reduce(0) { $0 + Double($1.latencyNanoseconds) } / 1e6 / Double(max(lockCalls, 1))
        // A condition variable waits long and rarely; contention waits briefly and in storms.
        let isLocking = Double(lockCalls) >= 0.5 * Double(voluntary) && lockMilliseconds < 10 && voluntary > involuntary

        let suspect = Suspect(
            parties: [party], share: rate / max(all, 1), amount: rate, process: process,
            processes: storming.count)
        // Who waits for a CPU waits for those who hold it, and only they can be blamed for it, however much others switch.
        let holdsCPU = situation.cpu.suspects.contains { $0.parties.contains(party) }
        let suffering = holdsCPU ? situation.cpu.suffering(bands.runQueueWait) : nil
        let values = [
            suspect.name, Text.number(rate),
            Text.percent(Double(involuntary) / Double(max(voluntary + involuntary, 1))),
            Text.number(Double(lockCalls) / situation.tick.interval), Text.number(lockMilliseconds * 1000),
        ]
        let message =
            isLocking
            ? Message(
                .init(
                    summary: "{0} switches {1} times a second around {3} lock calls of {4} µs each",
                    hints: ["The threads of {0} fight over a lock: look for it with perf lock or a futex stack"]),
                values)
            : Message(
                .init(
                    summary: "{0} switches {1} times a second, {2} % of them against its will",
                    hints: ["Few, larger pieces of work: batch what the processes of {0} hand to each other"]), values)
        return Observation(
            key: key(process, isLocking ? "lock_contention_induced" : "thrashing"),
            grade: bands.switchStorm.grade(of: rate).suffered(suffering),
            strength: bands.switchStorm.strength(of: rate),
            finding: Finding(
                message: message,
                evidence: [
                    situation.evidence("process.switches", rate, "1/s", bands.switchStorm.low),
                    situation.evidence("process.switches_involuntary", situation.perSecond(involuntary), "1/s"),
                    situation.evidence("process.lock_calls", situation.perSecond(lockCalls), "1/s"),
                ], culprits: [suspect.culprit(measure: "context switches")],
                victims: suffering == nil ? [] : situation.cpu.victims))
    }

    private func key(_ process: ProcessActivity, _ label: String) -> Episode.Key {
        Episode.Key(type: Self.type, entity: .process(process.identity, name: process.comm), label: label)
    }
}

extension Situation {
    /// Context switches of a process per second.
    fileprivate func switches(of process: ProcessActivity) -> Double {
        process.scheduling.map { perSecond($0.voluntarySwitches + $0.involuntarySwitches) } ?? 0
    }
}
