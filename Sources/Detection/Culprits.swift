import Model

/// Who causes something, by a measure of the cause: a party, or several that one program started with the same command.
struct Suspect: Sendable {
    var parties: Set<Int>
    /// Its share of the whole cause (0–1).
    var share: Double
    /// The measure itself: cores, bytes per second.
    var amount: Double
    /// Who stands for it: of the processes of one name that have most, the oldest that lives. The one with the largest part changes from
    /// tick to tick where several have the same.
    var process: ProcessActivity
    /// Processes that took part.
    var processes: Int

    /// What a sentence calls it: `stress-ng-cpu (pid 4242 and 7 more)`.
    var name: String { ProcessName.text(process.comm, pid: process.identity.pid, others: processes - 1) }
}

extension Parties {
    /// Below this share of the cause a party is not to blame; a wrong name is worse than none.
    static let leastShare = 0.25
    /// Who has this share of the largest part has as much as any.
    private static let equalShare = 0.4
    static let mostSuspects = 5

    /// The parties that cause most of what `measure` counts, most first, kernel threads left out: they work for others.
    /// `weight` orders and gates them where that is not the measure itself, such as CPU time beyond a fair share. Where none
    /// stands out, several parties with one parent and one name may do so together: a program that starts the same command
    /// many times, each in a group of its own. `beside` is what nobody can be named for: it counts in the whole.
    func suspects(
        least: Double = 0, beside: Double = 0, measure: (ProcessActivity) -> Double,
        weight: (_ amount: Double) -> Double = { $0 }
    ) -> [Suspect] {
        let all = members.indices.compactMap { candidate($0, measure) }
        let total = all.reduce(beside) { $0 + $1.amount }
        guard total > 0 else { return [] }
        func outstanding(_ candidates: [Suspect]) -> [Suspect] {
            let ranked = candidates.map { (suspect: $0, weight: weight($0.amount)) }
                .sorted {
                    ($1.weight, $0.suspect.process.identity.pid) < ($0.weight, $1.suspect.process.identity.pid)
                }
            let top = ranked.first?.weight ?? 0
            return ranked.prefix(Self.mostSuspects).compactMap { entry in
                var suspect = entry.suspect
                suspect.share = suspect.amount / total
                let matters = entry.weight > 0 && entry.weight >= Self.equalShare * top && suspect.amount >= least
                return matters && suspect.share >= Self.leastShare ? suspect : nil
            }
        }
        let alone = outstanding(all)
        return alone.isEmpty ? outstanding(together(all)) : alone
    }

    /// What the processes of one party have of a measure, or `nil` if nothing.
    private func candidate(_ party: Int, _ measure: (ProcessActivity) -> Double) -> Suspect? {
        let parts = members[party].compactMap { position -> (process: ProcessActivity, part: Double)? in
            let process = processes[position]
            guard !process.isKernelThread, case let part = measure(process), part > 0 else { return nil }
            return (process, part)
        }
        guard
            let largest = parts.max(by: {
                $0.part == $1.part ? $1.process.isNamedBefore($0.process) : $0.part < $1.part
            })
        else { return nil }
        var named = largest.process
        for (process, part) in parts
        where process.comm == named.comm && part >= Self.equalShare * largest.part && process.isNamedBefore(named) {
            named = process
        }
        return Suspect(
            parties: [party], share: 0, amount: parts.reduce(0) { $0 + $1.part }, process: named,
            processes: parts.count)
    }

    /// Parties of one parent, name and cgroup as one; what init was left with has no parent in that sense. One that has little
    /// of the cause beside its siblings is no part of it: it may be who suffers.
    private func together(_ suspects: [Suspect]) -> [Suspect] {
        struct Family: Hashable {
            var parent: Int32
            var comm: String
            var cgroup: String
        }
        var families: [Family: [Suspect]] = [:]
        for suspect in suspects {
            guard let parent = suspect.parties.first.flatMap(starter), !suspect.process.cgroupName.isEmpty else {
                continue
            }
            let process = suspect.process
            families[Family(parent: parent, comm: process.comm, cgroup: process.cgroupName), default: []].append(
                suspect)
        }
        return families.values.compactMap { family in
            let largest = family.map(\.amount).max() ?? 0
            return family.filter { $0.amount >= Self.equalShare * largest }.reduce(nil) { $0?.joined(by: $1) ?? $1 }
        }
    }
}

extension Suspect {
    /// Both as one.
    fileprivate func joined(by other: Suspect) -> Suspect {
        var both = other.process.isNamedBefore(process) ? other : self
        both.parties = parties.union(other.parties)
        both.amount = amount + other.amount
        both.processes = processes + other.processes
        return both
    }

    /// What goes into the finding.
    func culprit(measure: String) -> Culprit {
        Culprit(
            process: process.identity, comm: process.comm, cgroup: process.cgroupName, share: min(share, 1),
            measure: measure)
    }
}

extension ProcessActivity {
    /// Whether it is named rather than the other: who lives, and of those the older.
    func isNamedBefore(_ other: ProcessActivity) -> Bool {
        (exited ? 1 : 0, identity.startTicks, identity.pid)
            < (other.exited ? 1 : 0, other.identity.startTicks, other.identity.pid)
    }

    /// The cgroup's path where /proc was read, else the kernel's number for it.
    var cgroupName: String { proc?.cgroup ?? (cgroup == 0 ? "" : String(cgroup)) }
}
