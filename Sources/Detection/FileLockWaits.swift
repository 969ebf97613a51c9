import Model

/// Who waited for whose file lock not long ago: a tick shows the waits of its last moment, and shorter ones only by chance.
struct FileLockWaits: Sendable {
    /// Seconds for which a wait is remembered, and how many are.
    private static let memory = 10.0
    private static let most = 256

    private var seen: [Int32: (wait: FileLockWait, time: Double)] = [:]
    private var time = 0.0

    mutating func learn(_ tick: Tick) {
        time += tick.interval
        let now = time
        seen = seen.filter { now - $0.value.time <= Self.memory }
        for wait in tick.host.fileLocks ?? [] where seen.count < Self.most || seen[wait.waiter] != nil {
            seen[wait.waiter] = (wait, time)
        }
    }

    /// Whose lock a process waits for, if that is another program's.
    func wait(of process: ProcessActivity, in parties: Parties) -> FileLockWait? {
        guard let wait = seen[process.identity.pid]?.wait else { return nil }
        return parties.isOutside(wait.holder, group: wait.processGroup, of: process) ? wait : nil
    }
}
