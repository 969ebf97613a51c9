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
                        threads: reading.threads, isKernelThread: reading.isKernelThread, proc: reading))
            }
        }
        return merged
    }

    /// CPU time of the tick in nanoseconds, from the scheduler's own count or else from /proc; `nil` when neither knows.
    public func cpuNanoseconds(interval: Double) -> Double? {
        if let scheduling { return Double(scheduling.cpuNanoseconds) }
        return proc.map { $0.cpuShare * interval * 1e9 }
    }
}
