import Model

/// A process that is held up.
struct Sufferer: Sendable {
    var process: ProcessActivity
    /// Milliseconds per second of wall time, at most 1000: threads that wait side by side, and a wait that began in an
    /// earlier tick and ended in this one, hold nobody up for longer than the second has.
    let stall: Double
    /// How long programs of its name usually wait when they do (the p95), in the same unit; `nil` while that is not known.
    var usual: Double?

    /// What it waits beyond that.
    var excess: Double { max(0, stall - (usual ?? 0)) }

    init(process: ProcessActivity, stall: Double) {
        self.process = process
        self.stall = min(stall, 1000)
    }

    /// What a sentence calls it: `nginx (pid 812)`.
    var name: String { ProcessName.text(process.comm, pid: process.identity.pid) }

    /// What goes into the finding.
    func victim(stall kind: String) -> Victim {
        Victim(
            process: process.identity, comm: process.comm, cgroup: process.cgroupName,
            stallMillisecondsPerSecond: stall, stall: kind)
    }
}

extension Parties {
    static let mostSufferers = 8
    /// Those that are looked at closely: descent costs a walk each.
    private static let mostLookedAt = 64

    /// The processes that `stall` holds up, worst first, without those that suffer from themselves: a suspect's own party
    /// and its ancestors and descendants, and whoever `ownDoing` says does it to itself. Kernel threads have no user who would
    /// notice.
    func sufferers(
        from suspects: [Suspect], stall: (_ process: ProcessActivity, _ position: Int) -> Double,
        ownDoing: (_ position: Int) -> Bool = { _ in false }
    ) -> [Sufferer] {
        var found: [(sufferer: Sufferer, position: Int)] = []
        for (position, process) in processes.enumerated() where !process.isKernelThread {
            let amount = stall(process, position)
            if amount > 0 { found.append((Sufferer(process: process, stall: amount), position)) }
        }
        found.sort {
            ($1.sufferer.stall, $0.sufferer.process.identity.pid) < (
                $0.sufferer.stall, $1.sufferer.process.identity.pid
            )
        }
        var sufferers: [Sufferer] = []
        var looked = 0
        for entry in found where !suspects.contains(where: { isRelated(entry.position, to: $0) }) {
            looked += 1
            if !ownDoing(entry.position) { sufferers.append(entry.sufferer) }
            if sufferers.count == Self.mostSufferers || looked == Self.mostLookedAt { break }
        }
        return sufferers
    }
}
