extension ProcessActivity {
    /// Joins what the tracers and /proc say about the same processes. A process that only one side knows is kept with
    /// what that side knows; a pid with another start time is another process.
    public static func merge(traced: [ProcessActivity], read: [ProcessReading]) -> [ProcessActivity] {
        var merged = traced
        var positions: [ProcessIdentity: Int] = [:]
        positions.reserveCapacity(traced.count)
        for (position, activity) in traced.enumerated() { positions[activity.identity] = position }
        for reading in read {
            if let position = positions[reading.identity] {
                merged[position].proc = reading
                merged[position].threads = max(merged[position].threads, reading.threads)
            } else {
                merged.append(
                    ProcessActivity(
                        identity: reading.identity, parent: reading.parent, processGroup: reading.processGroup,
                        session: reading.session, workerOf: reading.workerOf, comm: reading.comm,
                        threads: reading.threads, isKernelThread: reading.isKernelThread,
                        comesLast: reading.comesLast, proc: reading))
            }
        }
        giveBackToChildren(&merged)
        return merged
    }

    /// A child's I/O is added to its parent's count in `/proc` when the parent waits for it. A child that ended in this tick
    /// gets what its parent shows, if it spent more time than the parent in calls that move data.
    private static func giveBackToChildren(_ processes: inout [ProcessActivity]) {
        var busiest: [Int32: Int] = [:]
        for (position, process) in processes.enumerated() where process.exited && process.timeMovingData > 0 {
            if let other = busiest[process.parent], processes[other].timeMovingData >= process.timeMovingData {
                continue
            }
            busiest[process.parent] = position
        }
        guard !busiest.isEmpty else { return }
        for parent in processes.indices {
            guard let child = busiest[processes[parent].identity.pid], let reading = processes[parent].proc,
                processes[child].proc == nil, processes[child].timeMovingData > processes[parent].timeMovingData
            else { continue }
            var given = ProcessReading(identity: processes[child].identity, comm: processes[child].comm)
            given.readBytesPerSecond = reading.readBytesPerSecond
            given.writeBytesPerSecond = reading.writeBytesPerSecond
            given.readCallBytesPerSecond = reading.readCallBytesPerSecond
            given.cgroup = reading.cgroup
            processes[child].proc = given
            processes[parent].proc?.readBytesPerSecond = nil
            processes[parent].proc?.writeBytesPerSecond = nil
            processes[parent].proc?.readCallBytesPerSecond = nil
        }
    }

    /// Nanoseconds in calls that read, write and sync.
    private var timeMovingData: UInt64 { calls?[.blockingIO]?.latencyNanoseconds ?? 0 }

    /// CPU time of the tick in nanoseconds, from the scheduler's own count or else from /proc; `nil` when neither knows.
    public func cpuNanoseconds(interval: Double) -> Double? {
        if let scheduling { return Double(scheduling.cpuNanoseconds) }
        return proc.map { $0.cpuShare * interval * 1e9 }
    }
}
