import Model

/// One process whose calls are slow without meaning to wait. `docs/signals/syscall.md`.
struct SyscallRule: Rule {
    static let type = SignalType.syscall
    static let most = 8

    func evaluate(_ situation: Situation) -> Verdict {
        guard let reading = situation.tick.syscalls else {
            return .cannotTell("slow calls are seen by syscall_tracer, which does not run")
        }
        var slow: [SlowCalls.Key: SlowCalls] = [:]
        for event in reading.events + reading.running where event.category != .intendedWait {
            let key = SlowCalls.Key(process: event.task.process, category: event.category)
            slow[key, default: SlowCalls(worst: event)].add(event)
        }
        let found = slow.values.filter { bands(of: $0.category, situation).strength(of: $0.worstMilliseconds) >= 0.5 }
            .sorted { $1.order < $0.order }
        return Verdict(observations: found.prefix(Self.most).compactMap { observe($0, situation) })
    }

    private func bands(of category: SyscallCategory, _ situation: Situation) -> Bands {
        switch category {
        case .blockingIO: situation.thresholds.blockingIOLatency
        case .lockContention: situation.thresholds.lockLatency
        default: situation.thresholds.otherCallLatency
        }
    }

    private func observe(_ calls: SlowCalls, _ situation: Situation) -> Observation? {
        let position = situation.parties.position(of: calls.worst.task.process)
        let caller =
            position.map { situation.parties.processes[$0] }
            ?? ProcessActivity(identity: calls.worst.task.process, comm: calls.worst.task.comm)
        guard !caller.isKernelThread else { return nil }
        let bands = bands(of: calls.category, situation)
        let latency = calls.worstMilliseconds
        let explanation = explain(calls, caller, situation)
        let sufferer = Sufferer(process: caller, stall: calls.totalMilliseconds / situation.tick.interval)
        var evidence = [
            situation.evidence("syscall.latency.max", latency, "ms", bands.low),
            situation.evidence("syscall.slow_calls", Double(calls.count), "calls"),
        ]
        if let blocked = calls.blockedMilliseconds {
            evidence.append(situation.evidence("syscall.blocked", blocked, "ms"))
        }
        return Observation(
            key: Episode.Key(
                type: Self.type, entity: .process(caller.identity, name: caller.comm), label: calls.category.name),
            grade: explanation.adjust(bands.grade(of: latency), caller, situation),
            strength: bands.strength(of: latency),
            finding: Finding(
                message: message(calls, sufferer, explanation, caller, situation), evidence: evidence,
                culprits: explanation.contention?.culprits ?? [],
                victims: [sufferer.victim(stall: "slow calls")]))
    }

    /// Where the time of slow calls went.
    private enum Explanation {
        /// In D state: a device, or memory that had to be reclaimed first.
        case blocked(Contention)
        /// In the run queue.
        case starved(Contention)
        /// Asleep for a peer: `connect`, `send*`.
        case peer
        /// On the CPU in the kernel, or behind a lock: the caller's own work as far as this data shows.
        case own

        var contention: Contention? {
            switch self {
            case .blocked(let contention), .starved(let contention): contention.suspects.isEmpty ? nil : contention
            case .peer, .own: nil
            }
        }

        func adjust(_ grade: Grade, _ caller: ProcessActivity, _ situation: Situation) -> Grade {
            switch self {
            case .blocked(let contention) where caller.identity == situation.own:
                // Its own commits are slow whenever anybody copies a file; that hurts no user.
                grade.blamed(contention.relation(of: caller, in: situation.parties)).capped(at: .low)
            case .blocked(let contention), .starved(let contention):
                grade.blamed(contention.relation(of: caller, in: situation.parties))
            case .peer: grade.lowered
            case .own: grade.capped(at: .low)
            }
        }
    }

    private func explain(_ calls: SlowCalls, _ caller: ProcessActivity, _ situation: Situation) -> Explanation {
        let total = calls.totalMilliseconds
        if let blocked = calls.blockedMilliseconds, blocked >= 0.5 * total { return .blocked(situation.paging) }
        // Without sched_tracer nobody knows the D state; what reads and writes files is then taken to be blocked.
        if calls.blockedMilliseconds == nil, calls.category == .blockingIO { return .blocked(situation.paging) }
        let waited = Double(caller.scheduling?.waitNanoseconds ?? 0) / 1e6
        if waited >= 0.5 * total { return .starved(situation.cpu) }
        return calls.category == .network ? .peer : .own
    }

    private func message(
        _ calls: SlowCalls, _ sufferer: Sufferer, _ explanation: Explanation, _ caller: ProcessActivity,
        _ situation: Situation
    ) -> Message {
        let values = [
            sufferer.name, calls.worst.name, Text.number(calls.worstMilliseconds), "\(calls.count)",
            Text.number(calls.blockedMilliseconds ?? 0),
        ]
        let lead =
            calls.worst.returnValue == nil
            ? "{0} has been in {1} for {2} ms and is not back" : "{0} waits {2} ms in {1}"
        let patterns = ["{3} slow calls in this tick, {4} ms of them in D state"]
        func text(_ summary: String, _ hint: String, _ more: [String] = []) -> Message {
            Message(.init(summary: "\(lead)\(summary)", patterns: patterns, hints: [hint]), values + more)
        }
        switch explanation {
        case .blocked(let contention), .starved(let contention):
            let relation = contention.relation(of: caller, in: situation.parties)
            guard let suspect = contention.suspects.first, relation != .unknown else {
                return text(
                    ", blocked; who causes it cannot be told from this data",
                    "Nobody takes much I/O or memory: check the device and the file system under {0}")
            }
            let blame = [suspect.name, Text.percent(suspect.share), contention.measure]
            return relation == .own
                ? text(
                    ", blocked by its own work", "{0} itself does {6} % of {7}: nobody else needs to be limited", blame)
                : text("; {5} does {6} % of {7}", "Limit {5}, which {0} waits for", blame)
        case .peer:
            return text(
                " for its peer; why the peer is slow cannot be told from this host's data",
                "Check the other end of the connection, and retransmits on the way")
        case .own:
            return text(
                "; the time went to the call itself or to a lock, not to a device",
                "Look at where {0} spends it with perf trace -p; {1} does much work per call, or threads share a lock")
        }
    }
}

/// The slow calls of one process and category in one tick.
private struct SlowCalls {
    struct Key: Hashable {
        var process: ProcessIdentity
        var category: SyscallCategory
    }

    var worst: SyscallEvent
    var count = 0
    var totalMilliseconds = 0.0
    /// `nil` when nobody measured it for any of them.
    var blockedMilliseconds: Double?

    init(worst: SyscallEvent) { self.worst = worst }

    var category: SyscallCategory { worst.category }
    var worstMilliseconds: Double { Double(worst.latencyNanoseconds) / 1e6 }
    /// Worst last; the rest only makes the order fixed.
    var order: (UInt64, Int32, Int) {
        (worst.latencyNanoseconds, -worst.task.process.pid, -worst.category.rawValue)
    }

    mutating func add(_ event: SyscallEvent) {
        count += 1
        totalMilliseconds += Double(event.latencyNanoseconds) / 1e6
        if let blocked = event.blockedNanoseconds {
            blockedMilliseconds = (blockedMilliseconds ?? 0) + Double(blocked) / 1e6
        }
        if event.latencyNanoseconds > worst.latencyNanoseconds { worst = event }
    }
}
