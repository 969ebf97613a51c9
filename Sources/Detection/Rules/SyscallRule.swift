import Model

/// One process whose calls are slow without meaning to wait. `docs/signals/syscall.md`.
struct SyscallRule: Rule {
    static let type = SignalType.syscall
    static let most = 8
    /// Calls that take the longer the larger what they are given is: by themselves they are slow on nobody's account.
    static let work: Set<String> = [
        "unlink", "unlinkat", "truncate", "ftruncate", "fallocate", "close", "munmap", "sync", "syncfs", "umount2",
    ]

    func evaluate(_ situation: Situation) -> Verdict {
        guard let reading = situation.tick.syscalls else {
            return .cannotTell("slow calls are seen by syscall_tracer, which does not run")
        }
        var slow: [SlowCalls.Key: SlowCalls] = [:]
        for event in reading.events + reading.running where event.category != .intendedWait {
            let key = SlowCalls.Key(process: event.task.process, category: event.category)
            slow[key, default: SlowCalls(worst: event)].add(event)
        }
        // Ranked by what it is worth, not by latency: a hundred callers that block themselves must not crowd out the one that
        // they block.
        let found = slow.values.compactMap { Case($0, situation, bands(of: $0.category, situation)) }
            .sorted { $1.order < $0.order }
        return Verdict(observations: found.prefix(Self.most).map { observe($0, situation) })
    }

    private func bands(of category: SyscallCategory, _ situation: Situation) -> Bands {
        switch category {
        case .blockingIO: situation.thresholds.blockingIOLatency
        case .lockContention: situation.thresholds.lockLatency
        default: situation.thresholds.otherCallLatency
        }
    }

    private func observe(_ slow: Case, _ situation: Situation) -> Observation {
        let sufferer = Sufferer(process: slow.caller, stall: slow.calls.totalMilliseconds / situation.tick.interval)
        var evidence = [
            situation.evidence("syscall.latency.max", slow.calls.worstMilliseconds, "ms", slow.bands.low),
            situation.evidence("syscall.slow_calls", Double(slow.calls.count), "calls"),
        ]
        if let blocked = slow.calls.blockedMilliseconds {
            evidence.append(situation.evidence("syscall.blocked", blocked, "ms"))
        }
        return Observation(
            key: Episode.Key(
                type: Self.type, entity: .process(slow.caller.identity, name: slow.caller.comm),
                label: slow.calls.category.name),
            grade: slow.grade, strength: slow.bands.strength(of: slow.calls.worstMilliseconds),
            finding: Finding(
                message: slow.message(sufferer, situation), evidence: evidence,
                culprits: slow.explanation.culprits,
                victims: [sufferer.victim(stall: "slow calls")]))
    }
}

/// The slow calls of one process, with what explains them and how bad that is.
private struct Case {
    let calls: SlowCalls
    let caller: ProcessActivity
    let bands: Bands
    let explanation: Explanation
    let grade: Grade

    /// `nil` for kernel threads, and for latencies that are nowhere near a threshold.
    init?(_ calls: SlowCalls, _ situation: Situation, _ bands: Bands) {
        let latency = calls.worstMilliseconds
        let position = situation.parties.position(of: calls.worst.task.process)
        let caller =
            position.map { situation.parties.processes[$0] }
            ?? ProcessActivity(identity: calls.worst.task.process, comm: calls.worst.task.comm)
        guard bands.strength(of: latency) >= 0.5, !caller.isKernelThread else { return nil }
        self.calls = calls
        self.caller = caller
        self.bands = bands
        explanation = Explanation(calls, caller, situation)
        grade = explanation.adjust(bands.grade(of: latency), calls, caller, situation)
    }

    /// Worst last; what follows severity and latency only makes the order fixed.
    var order: (Severity, UInt64, Int32, Int) {
        let worst = calls.worst
        return (grade.severity, worst.latencyNanoseconds, -worst.task.process.pid, -calls.category.rawValue)
    }

    /// Where the time of slow calls went.
    enum Explanation {
        /// In D state: a device, or memory that had to be reclaimed first.
        case blocked(Contention)
        /// In the run queue.
        case starved(Contention)
        /// Asleep for a peer: `connect`, `send*`.
        case peer
        /// Asleep for a file lock that another program holds.
        case locked(FileLockWait)
        /// On the CPU in the kernel, or behind a lock: the caller's own work as far as this data shows.
        case own

        init(_ calls: SlowCalls, _ caller: ProcessActivity, _ situation: Situation) {
            let total = calls.totalMilliseconds
            // Without sched_tracer nobody knows the D state; what reads and writes files is then taken to be blocked.
            let blocked = calls.blockedMilliseconds ?? (calls.category == .blockingIO ? total : 0)
            let waited = Double(caller.scheduling?.waitNanoseconds ?? 0) / 1e6
            if calls.blockedMilliseconds == nil, waited >= 0.5 * total {
                self = .starved(situation.cpu)
            } else if blocked >= 0.5 * total {
                self = .blocked(situation.paging(of: caller.identity))
            } else if waited >= 0.5 * total {
                self = .starved(situation.cpu)
            } else if calls.worst.isFileLock, let wait = situation.lockWait(of: caller, for: calls.worst) {
                self = .locked(wait)
            } else {
                self = calls.category == .network ? .peer : .own
            }
        }

        var contention: Contention? {
            switch self {
            case .blocked(let contention), .starved(let contention): contention.suspects.isEmpty ? nil : contention
            case .peer, .own, .locked: nil
            }
        }

        var culprits: [Culprit] {
            if case .locked(let wait) = self {
                return [
                    Culprit(
                        process: wait.holder, comm: wait.comm, cgroup: "", share: 1, measure: "file lock held")
                ]
            }
            return contention?.culprits ?? []
        }

        func adjust(_ grade: Grade, _ calls: SlowCalls, _ caller: ProcessActivity, _ situation: Situation) -> Grade {
            switch self {
            case .blocked(let contention):
                let relation = contention.relation(of: caller, in: situation.parties)
                // The collector's own commits are slow whenever anybody copies a file; that hurts no user.
                // Where nobody is to blame, what is usual for the program on its disk is no news.
                let isNobodysHarm =
                    caller.identity == situation.own
                    || relation == .unknown
                        && (SyscallRule.work.contains(calls.worst.name)
                            || calls.worstMilliseconds <= 2 * situation.usualSlowCall(of: calls.worst.task.comm))
                let blamed = grade.blamed(relation)
                return isNobodysHarm ? blamed.capped(at: .low) : blamed
            // Whoever waits for a CPU does so in whatever call it is: the scheduler's signal is about that. A peer that
            // reads slowly may mean to, and what the network loses is counted elsewhere.
            case .starved, .peer, .own: return grade.capped(at: .low)
            // Who holds a lock may have to, and who waits for it may be meant to: worth a look, no more, and not even that
            // where it is usual.
            case .locked:
                let usual = situation.usualSlowCall(of: calls.worst.task.comm)
                return grade.capped(at: calls.worstMilliseconds <= 2 * usual ? .low : .medium)
            }
        }
    }

    func message(_ sufferer: Sufferer, _ situation: Situation) -> Message {
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
        case .locked(let wait):
            return text(
                " for a file lock; {5} (pid {6}) holds it",
                "What {5} does while it holds the lock is what {0} waits for: hold it for less, or lock less of the file",
                [wait.comm, "\(wait.holder.pid)"])
        case .own:
            return text(
                "; the time went to the call itself or to a lock, not to a device",
                "Look at where {0} spends it with perf trace -p; {1} does much work per call, or threads share a lock")
        }
    }
}

extension Situation {
    /// The worst blocked call or wait for a lock that is usual for programs of a name (p95), in milliseconds.
    fileprivate func usualSlowCall(of name: String) -> Double { usual["process.slow_call:\(name)"]?.profile.p95 ?? 0 }

    /// Whose file lock a call waits for, if that is another program's. The kernel tells who took the lock: where that was
    /// somebody who has ended, his number may be another's by now, who began later than the wait did.
    fileprivate func lockWait(of caller: ProcessActivity, for call: SyscallEvent) -> FileLockWait? {
        let began = tick.uptime - Double(call.latencyNanoseconds) / 1e9
        return tick.host.fileLocks?.first {
            $0.waiter == caller.identity.pid && Double($0.holder.startTicks) / 100 <= began
                && parties.isOutside($0, of: caller)
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

    mutating func add(_ event: SyscallEvent) {
        count += 1
        totalMilliseconds += Double(event.latencyNanoseconds) / 1e6
        if let blocked = event.blockedNanoseconds {
            blockedMilliseconds = (blockedMilliseconds ?? 0) + Double(blocked) / 1e6
        }
        if event.latencyNanoseconds > worst.latencyNanoseconds { worst = event }
    }
}
