import Model

/// What a tracer missed in the last minute: its ledger's totals would warn for ever of what is long over.
///
/// Ends whose start was not seen are no reason to warn: after attaching everything that was under way ends without one, some of it
/// minutes later, and a warning that comes with every start is read by nobody. The totals have them.
struct RecentLosses {
    private static let ticks = 60

    private typealias Totals = (runs: UInt64, missed: UInt64, unmeasured: UInt64)

    /// At the last ticks, oldest first.
    private var totals: [Totals] = []

    /// Takes the totals of another tick.
    mutating func add(_ ledger: Ledger) {
        totals.append(
            (
                ledger.seen + ledger.recursionMisses,
                ledger.lostStorage + ledger.lostMapFull + ledger.recursionMisses,
                ledger.lost + ledger.recursionMisses + ledger.unsampled
            ))
        if totals.count > Self.ticks + 1 { totals.removeFirst() }
    }

    /// Runs of hooks in the last minute, and how many of them are missing from the counts.
    var runs: UInt64 { growth(of: \.runs) }
    var missed: UInt64 { growth(of: \.missed) }

    /// Whether the counts cannot be relied on: one run in a thousand is missing.
    var isWorthAWarning: Bool { missed > 0 && missed * 1000 >= runs }

    /// Share of the last minute's runs that were measured, or left out on purpose: 1 is complete. Those of a thread whose turn it was
    /// not, while one in sixteen is measured, were not. `nil` before there is anything to compare.
    var completeness: Double? {
        guard totals.count > 1 else { return nil }
        return runs == 0 ? 1 : max(0, 1 - Double(growth(of: \.unmeasured)) / Double(runs))
    }

    private func growth(of total: KeyPath<Totals, UInt64>) -> UInt64 {
        guard let first = totals.first?[keyPath: total], let last = totals.last?[keyPath: total] else { return 0 }
        return last > first ? last - first : 0
    }
}
