import Model

/// What each tracer did since it was asked last, from what it has counted since it was loaded.
struct TracerLoads {
    /// What a run takes before its own clock starts and after it stops. A tracepoint's way into the program is no longer than the
    /// two readings of the clock that a timed run has more than others: measured from outside, a run of 73 to 90 ns by its own
    /// account took 60 to 76. A perf event's way is longer, by 20 to
    /// 190 ns.
    private static func untimedNanoseconds(_ name: TracerName) -> Double { name == .pageFault ? 50 : 0 }

    private var before: [TracerName: TracerCost] = [:]
    private var exits = TracerCost()

    /// - Parameter seconds: Since the last time.
    mutating func take(_ statuses: [TracerStatus], seconds: Double) -> [TracerName: Governor.Load] {
        var loads: [TracerName: Governor.Load] = [:]
        for status in statuses where status.state == .attached {
            defer { before[status.name] = status.cost }
            guard let before = before[status.name], seconds > 0 else { continue }
            let (runs, timed) = (status.cost.runs &- before.runs, status.cost.timedRuns &- before.timedRuns)
            let nanoseconds = status.cost.timedNanoseconds &- before.timedNanoseconds
            loads[status.name] = Governor.Load(
                coverage: status.coverage, runsPerSecond: Double(runs) / seconds,
                nanosecondsPerRun: timed < Governor.fewestTimed
                    ? nil : Double(nanoseconds) / Double(timed) + Self.untimedNanoseconds(status.name))
        }
        return loads
    }

    /// CPU time in a second of the hook at the exit of threads, which all tracers share.
    mutating func exits(_ cost: TracerCost, seconds: Double) -> Double {
        defer { exits = cost }
        guard seconds > 0, let nanoseconds = cost.nanosecondsPerRun else { return 0 }
        return Double(cost.runs &- exits.runs) * nanoseconds / 1e9 / seconds
    }
}
