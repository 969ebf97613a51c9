import Model

/// Who started whom, as far as earlier ticks have shown it. A tick has only those that did something in it, but the drivers of
/// a build sleep while their compilers run.
struct Lineage: Sendable {
    /// What descent and grouping need to know of a process.
    struct Origin: Sendable {
        let pid: Int32
        let startTicks: UInt64
        let parent: Int32
        /// The process group of what was started together; 0 when nobody knows it, and for kernel threads.
        let group: Int32
        /// Whether what it starts are commands of their own and not parts of one job: it is in the group that leads its session
        /// (a terminal's shell, a daemon; not a daemon's worker), or another shell, such as that of `sudo -i`.
        let startsCommands: Bool
    }

    /// Processes that are remembered; once there are more, those are forgotten that did nothing for longest.
    private static let most = 8192
    private static let kept = most * 3 / 4

    private var seen: [Int32: (origin: Origin, tick: UInt64)] = [:]
    private var ticks: UInt64 = 0

    /// Whoever had a pid when it was last seen, unless it has ended.
    subscript(pid: Int32) -> Origin? { seen[pid]?.origin }

    mutating func learn(_ tick: Tick) {
        ticks += 1
        for process in tick.processes { seen[process.identity.pid] = process.exited ? nil : (process.origin, ticks) }
        guard seen.count > Self.most else { return }
        let newest = seen.sorted { ($1.value.tick, $0.key) < ($0.value.tick, $1.key) }.prefix(Self.kept)
        seen = Dictionary(uniqueKeysWithValues: newest.map { $0 })
    }
}

extension ProcessActivity {
    var origin: Lineage.Origin {
        let known = processGroup != 0 ? processGroup : proc?.processGroup ?? 0
        let group = workerOf != 0 ? workerOf : known
        return Lineage.Origin(
            pid: identity.pid, startTicks: identity.startTicks, parent: parent, group: isKernelThread ? 0 : group,
            startsCommands: workerOf == 0 && group == session || Self.shells.contains(comm))
    }

    private static let shells: Set<String> = ["bash", "sh", "dash", "zsh", "fish", "ksh", "tcsh"]
}
