import Model

extension Contention {
    /// Who takes the memory, and who waits for pages.
    ///
    /// Two things make a party take memory: what it holds and what it demands now (fresh pages and pages read into the
    /// cache). When the host is nearly full, holding weighs more; when it is not, the pressure comes from a limit inside a
    /// cgroup, where the demand is what presses.
    static func memory(
        _ tick: Tick, _ parties: Parties, _ thresholds: Thresholds, own: ProcessIdentity?
    ) -> Contention {
        let user = tick.processes.filter { !$0.isKernelThread }
        let resident = user.reduce(0) { $0 + Double($1.proc?.residentBytes ?? 0) }
        let demand = user.reduce(0) { $0 + $1.pageDemand(over: tick.interval) }
        let isFull = (tick.host.memory?.usedShare ?? 0) >= thresholds.memoryUsed.medium
        let holding = resident == 0 ? 0 : demand == 0 ? 1 : isFull ? 0.6 : 0.1
        let suspects = parties.suspects { process in
            let held = resident == 0 ? 0 : Double(process.proc?.residentBytes ?? 0) / resident
            let wanted = demand == 0 ? 0 : process.pageDemand(over: tick.interval) / demand
            return holding * held + (1 - holding) * wanted
        }
        let sufferers = parties.sufferers(from: suspects) { process in
            let faults = Double(process.faults?.majorLatencyNanoseconds ?? 0)
            let blocked = process.identity == own ? 0 : Double(process.scheduling?.blockedNanoseconds ?? 0)
            return max(faults, blocked) / 1e6 / tick.interval
        }
        return Contention(
            suspects: suspects, sufferers: sufferers, measure: "memory held and demanded", stall: "waiting for memory")
    }
}

extension ProcessActivity {
    /// Bytes per second of pages that were not there before: faulted in fresh, or read from a device.
    func pageDemand(over interval: Double) -> Double {
        let fresh =
            faults.map { Double($0.minor) / interval } ?? proc?.minorFaultsPerSecond ?? 0
        let read = max(Double(blockIO?.readBytes ?? 0) / interval, proc?.readBytesPerSecond ?? 0)
        return fresh * 4096 + read
    }
}
