import Model

/// Who started whom, as far as earlier ticks have shown it. A tick has only those that did something in it, but the drivers of
/// a build sleep while their compilers run.
struct Lineage: Sendable {
    /// What descent and grouping need to know of a process.
    struct Origin: Sendable {
        let pid: Int32
        let parent: Int32
        /// The process group of what was started together; 0 when nobody knows it, and for kernel threads.
        let group: Int32
        /// Whether it is in the group that leads its session: a shell, a daemon; not a daemon's worker.
        let leadsSession: Bool
    }

    /// Processes that are remembered, and the seconds after which those are forgotten that did nothing, once there are more.
    private static let most = 8192
    private static let memory = 60.0

    private var seen: [Int32: (origin: Origin, time: Double)] = [:]
    private var time = 0.0

    /// Whoever had a pid when it was last seen, unless it has ended.
    subscript(pid: Int32) -> Origin? { seen[pid]?.origin }

    mutating func learn(_ tick: Tick) {
        time += tick.interval
        for process in tick.processes { seen[process.identity.pid] = process.exited ? nil : (process.origin, time) }
        guard seen.count > Self.most else { return }
        seen = seen.filter { time - $0.value.time <= Self.memory }
        // Where more than that are busy, who is kept is as good as who is not.
        if seen.count > Self.most { seen = Dictionary(uniqueKeysWithValues: seen.prefix(Self.most).map { $0 }) }
    }
}

extension ProcessActivity {
    var origin: Lineage.Origin {
        let known = processGroup != 0 ? processGroup : proc?.processGroup ?? 0
        let group = workerOf != 0 ? workerOf : known
        return Lineage.Origin(
            pid: identity.pid, parent: parent, group: isKernelThread ? 0 : group,
            leadsSession: workerOf == 0 && group == session)
    }
}
