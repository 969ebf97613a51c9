import Model

/// Processes that slept by themselves not long ago: what tells a starving service, which does not sleep any more, from batch
/// work, which never did.
struct Sleepers: Sendable {
    /// Seconds for which it is remembered, and how many processes are.
    private static let memory = 60.0
    private static let most = 2048

    private var seen: [ProcessIdentity: Double] = [:]
    private var time = 0.0

    func contains(_ process: ProcessIdentity) -> Bool { seen[process] != nil }

    /// Takes in a tick; remembers those that slept a few times in it and wanted less than half a core.
    mutating func learn(_ tick: Tick) {
        time += tick.interval
        seen = seen.filter { time - $0.value <= Self.memory }
        for process in tick.processes where !process.isKernelThread && !process.exited {
            guard let scheduling = process.scheduling, scheduling.sleepsByItself,
                Double(scheduling.voluntarySwitches) >= 5 * tick.interval,
                Double(scheduling.cpuNanoseconds) < 0.5e9 * tick.interval,
                seen.count < Self.most || seen[process.identity] != nil
            else { continue }
            seen[process.identity] = time
        }
    }
}
