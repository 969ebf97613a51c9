import Model
import Testing

@testable import kernelsight_collector

@Suite struct TracerLoadsTests {
    private func status(
        runs: UInt64, timed: UInt64, nanoseconds: UInt64, _ name: TracerName = .syscall,
        _ state: TracerStatus.State = .attached
    ) -> TracerStatus {
        var cost = TracerCost()
        (cost.runs, cost.timedRuns, cost.timedNanoseconds) = (runs, timed, nanoseconds)
        return TracerStatus(name: name, state: state, coverage: .sampled, fallback: "", cost: cost, eventsPerSecond: 1)
    }

    @Test func `a load is what came since the last look`() {
        var loads = TracerLoads()
        #expect(loads.take([status(runs: 1000, timed: 20, nanoseconds: 2000)], seconds: 1).isEmpty)
        let next = loads.take([status(runs: 5000, timed: 84, nanoseconds: 8400)], seconds: 2)
        #expect(next == [.syscall: .init(coverage: .sampled, runsPerSecond: 2000, nanosecondsPerRun: 100)])
    }

    @Test func `a perf event has a longer way than a tracepoint`() {
        var loads = TracerLoads()
        _ = loads.take([status(runs: 0, timed: 0, nanoseconds: 0, .pageFault)], seconds: 1)
        let next = loads.take([status(runs: 64, timed: 64, nanoseconds: 6400, .pageFault)], seconds: 1)
        #expect(next[.pageFault]?.nanosecondsPerRun == 150)
    }

    @Test func `a few timed runs give no price, and who does not run has no load`() {
        var loads = TracerLoads()
        let failed = status(runs: 9, timed: 9, nanoseconds: 9, .pageFault, .failed(reason: "", remedy: ""))
        _ = loads.take([status(runs: 0, timed: 0, nanoseconds: 0), failed], seconds: 1)
        let next = loads.take([status(runs: 100, timed: 2, nanoseconds: 20_000_000), failed], seconds: 1)
        #expect(next == [.syscall: .init(coverage: .sampled, runsPerSecond: 100, nanosecondsPerRun: nil)])
    }

    @Test func `the exit hook's cost is that of the runs since the last look`() {
        var loads = TracerLoads()
        var cost = TracerCost()
        (cost.runs, cost.timedRuns, cost.timedNanoseconds) = (1000, 10, 10_000)
        _ = loads.exits(cost, seconds: 1)
        cost.runs = 5000
        #expect(loads.exits(cost, seconds: 2) == 0.002)
    }
}
