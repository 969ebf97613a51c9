import Model

/// A party that causes something, by a measure of the cause.
struct Suspect: Sendable {
    var party: Int
    /// Its share of the whole cause (0–1).
    var share: Double
    /// The measure itself: cores, bytes per second.
    var amount: Double
    /// The process of the party with the largest part.
    var process: ProcessActivity
    /// Processes of the party that took part.
    var processes: Int

    /// What a sentence calls it: `stress-ng-cpu (pid 4242 and 7 more)`.
    var name: String {
        let more = processes > 1 ? " and \(processes - 1) more" : ""
        return "\(process.comm) (pid \(process.identity.pid)\(more))"
    }
}

extension Parties {
    /// Below this share of the cause a party is not to blame; a wrong name is worse than none.
    static let leastShare = 0.25
    static let mostSuspects = 5

    /// The parties that cause most of what `measure` counts, most first, kernel threads left out: they work for others.
    /// `weight` orders and gates them where that is not the measure itself, such as CPU time beyond a fair share.
    func suspects(
        least: Double = 0, measure: (ProcessActivity) -> Double, weight: ((_ amount: Double) -> Double)? = nil
    ) -> [Suspect] {
        var total = 0.0
        var found: [(suspect: Suspect, weight: Double)] = []
        for (party, positions) in members.enumerated() {
            var amount = 0.0
            var largest: (amount: Double, position: Int)?
            var count = 0
            for position in positions where !processes[position].isKernelThread {
                let part = measure(processes[position])
                guard part > 0 else { continue }
                amount += part
                count += 1
                if let best = largest, !isMore(part, position, than: best) { continue }
                largest = (part, position)
            }
            guard let largest else { continue }
            total += amount
            let suspect = Suspect(
                party: party, share: 0, amount: amount, process: processes[largest.position], processes: count)
            found.append((suspect, weight?(amount) ?? amount))
        }
        guard total > 0 else { return [] }
        found.sort { ($1.weight, $0.suspect.process.identity.pid) < ($0.weight, $1.suspect.process.identity.pid) }
        let top = found.first?.weight ?? 0
        return found.prefix(Self.mostSuspects).compactMap { entry in
            var suspect = entry.suspect
            suspect.share = suspect.amount / total
            let matters = entry.weight > 0 && entry.weight >= 0.4 * top && suspect.amount >= least
            return matters && suspect.share >= Self.leastShare ? suspect : nil
        }
    }

    /// More, or as much by a process with a smaller pid, so that the answer does not depend on the order.
    private func isMore(_ amount: Double, _ position: Int, than best: (amount: Double, position: Int)) -> Bool {
        amount > best.amount
            || amount == best.amount && processes[position].identity.pid < processes[best.position].identity.pid
    }
}

extension Suspect {
    /// What goes into the finding.
    func culprit(measure: String) -> Culprit {
        Culprit(
            process: process.identity, comm: process.comm, cgroup: process.cgroupName, share: min(share, 1),
            measure: measure)
    }
}

extension ProcessActivity {
    /// The cgroup's path where /proc was read, else the kernel's number for it.
    var cgroupName: String { proc?.cgroup ?? (cgroup == 0 ? "" : String(cgroup)) }
}
