import Foundation
import Model
import Settings
import Store
import Testing

@testable import kernelsight_collector

/// What the parts of the collector say about themselves.
struct ComponentsTests {
    private func detail(_ state: ComponentState) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(state.detail.utf8)) as? [String: Any])
    }

    private func tracer(_ state: TracerStatus.State) -> TracerStatus {
        var ledger = Ledger()
        ledger.seen = 1000
        ledger.aggregated = 1000
        return TracerStatus(
            name: .syscall, state: state, hooks: ["tp_btf/sys_enter"], fallback: "none", ledger: ledger,
            eventsPerSecond: 10)
    }

    @Test func `a tracer whose hooks were taken off has stopped and was not disabled`() throws {
        let state = Components.tracer(tracer(.detached), RecentLosses(), uptime: 10)
        #expect(state.status == .warning)
        #expect(state.message == "the collector has stopped")
        #expect(try detail(state)["state"] as? String == "detached")
    }

    @Test(arguments: [nil, 42]) func `what is in flight is a number once it has been counted`(count: UInt64?) throws {
        var status = tracer(.attached)
        status.ledger.inFlight = count
        let ledger = try #require(
            try detail(Components.tracer(status, RecentLosses(), uptime: 1))["ledger"] as? [String: Any])
        #expect(ledger["in_flight"] as? UInt64 == count)
    }

    @Test func `the governor's row says what the whole costs, what it may, and what was done about it`() throws {
        var governor = Governor(budget: 0.02, host: 2)
        let load = Governor.Load(coverage: .full, runsPerSecond: 3_000_000, nanosecondsPerRun: 100)
        var steps: [(time: Timestamp, step: CoverageStep)] = []
        for second in 0..<3 {
            steps += governor.step(own: 0.004, loads: [.syscall: load, .pageFault: load], at: Double(second)).map {
                (Timestamp(nanoseconds: 0), $0)
            }
        }
        let state = Components.governor(governor, own: 0.004, steps)
        #expect(state.status == .warning)
        #expect(
            state.message
                == "costs 0.2 % of the host's CPU time, may cost 1.0 %; page_fault_tracer is off; syscall_tracer is off"
        )
        #expect((try detail(state)["steps"] as? [[String: Any]])?.compactMap { $0["to"] as? String } == ["off", "off"])
        let calm = Components.governor(Governor(budget: 0.02, host: 2), own: 0.004, [])
        #expect(calm.status == .ok)
    }

    @Test(arguments: [(Coverage.sampled, "one thread in sixteen"), (.off, "off, as it would cost more")])
    func `a tracer that does not look at all says so and what stands in for it`(
        coverage: Coverage, words: String
    ) throws {
        var status = tracer(.attached)
        status.coverage = coverage
        let state = Components.tracer(status, RecentLosses(), uptime: 10)
        #expect(state.status == .warning)
        #expect(state.message.contains(words) && state.message.contains(status.fallback))
        #expect(try detail(state)["coverage"] as? String == coverage.rawValue)
    }

    @Test func `the retention row says what is kept how long, what went and whether deletions wait`() throws {
        var kept = Settings().retention
        kept.series1sHours = 0.1
        var status = WriterStatus()
        status.retired = 7
        status.oldestSignal = Timestamp(nanoseconds: 1_795_575_600_000_000_000)
        let state = Components.retention(kept, status)
        #expect(state.component == "retention")
        #expect(state.status == .ok)
        #expect(
            state.message
                == "keeps signals 30 d, series 6 min/1 d/7 d/30 d, events 256 MB; 7 rows went since the start")
        #expect(try detail(state)["oldest_signal"] as? String == "2026-11-25T03:00:00.000Z")
        #expect(
            (try detail(state)["series"] as? [[String: Int]])?.last == [
                "step_seconds": 3600, "kept_seconds": 2_592_000,
            ])
        status.heldSeconds = 41.5
        let held = Components.retention(kept, status)
        #expect(held.message.contains("nothing goes for its age in the next 42 s"))
        #expect(try detail(held)["held_seconds"] as? Double == 41.5)
    }

    @Test func `what was under way at attach does not make a tracer's row warn, and what is lost does for a minute`() {
        var status = tracer(.attached)
        var losses = RecentLosses()
        func row() -> ComponentState {
            losses.add(status.ledger)
            return Components.tracer(status, losses, uptime: 10)
        }
        status.ledger.lostStartMissing = 12
        #expect(row().status == .ok)
        status.ledger.seen += 1000
        status.ledger.lostStartMissing += 5
        #expect(row().status == .ok)
        status.ledger.seen += 9000
        status.ledger.lostMapFull += 20
        #expect(row().status == .warning)
        #expect(row().message == "attached, but 20 of 10000 runs in the last minute are missing from the counts")
        for _ in 0..<57 { #expect(row().status == .warning) }
        status.ledger.seen += 1000
        #expect(row().status == .warning)
        #expect(row().status == .ok)
        status.ledger.recursionMisses += 2
        #expect(row().message == "attached, but 2 of 1002 runs in the last minute are missing from the counts")
    }

    @Test func `completeness is of the last minute, and null for what measures nothing`() {
        var status = tracer(.attached)
        var losses = RecentLosses()
        losses.add(status.ledger)
        #expect(losses.completeness == nil)
        // A hook that was running when the first look was taken is counted at the second: that is no more than all.
        status.ledger.seen += 80
        status.ledger.aggregated += 81
        losses.add(status.ledger)
        #expect(losses.completeness == 1)
        status.ledger.recursionMisses += 10
        status.ledger.seen += 10
        status.ledger.unsampled += 6
        status.ledger.lostStartMissing += 4
        losses.add(status.ledger)
        #expect(losses.completeness == 0.8)
        var off = tracer(.attached)
        (off.name, off.coverage) = (.scheduler, .off)
        var failed = tracer(.failed(reason: "no BTF", remedy: "Build a kernel with it."))
        failed.name = .pageFault
        var disabled = tracer(.disabled)
        disabled.name = .blockIO
        #expect(
            Components.completeness([status, off, failed, disabled], [.syscall: losses, .scheduler: losses])
                == #"{"syscall_tracer":0.8,"sched_tracer":null,"page_fault_tracer":null}"#)
        // Nothing ran for a minute: nothing is missing.
        for _ in 0...61 { losses.add(status.ledger) }
        #expect(losses.completeness == 1)
    }

    @Test func `what the tracers share says whom it follows, and whose numbers are lost`() throws {
        var status = ProcessesStatus(state: .attached, hooks: ["tp_btf/sched_process_exit"], threads: 211)
        var losses = RecentLosses()
        losses.add(status.ledger)
        let good = Components.processes(status, losses, uptime: 1)
        #expect(good.component == "processes")
        #expect(good.status == .ok)
        #expect(good.message == "follows 211 threads")
        #expect(try detail(good)["threads"] as? Int == 211)
        status.ledger.seen = 100
        status.ledger.lostMapFull = 3
        losses.add(status.ledger)
        let bad = Components.processes(status, losses, uptime: 1)
        #expect(bad.status == .warning)
        #expect(bad.message == "the last numbers of 3 threads that ended in the last minute are lost")
    }

    @Test func `the collector's row says what waits for a restart, and before that what was refused`() throws {
        func row(refused: String? = nil, waiting: [String] = []) -> ComponentState {
            Components.collector(SelfCost(), missedTicks: 0, refused: refused, waiting: waiting)
        }
        #expect(row().status == .ok)
        let waiting = row(waiting: ["tracers.enabled", "database.path"])
        #expect(waiting.status == .warning)
        #expect(waiting.message == "restart the collector for what has changed: tracers.enabled, database.path")
        #expect(try detail(waiting)["waiting_for_restart"] as? [String] == ["tracers.enabled", "database.path"])
        #expect(row(refused: "no", waiting: ["tracers.enabled"]).message.hasSuffix("is in force: no"))
    }

    @Test func `the last row of a part keeps its numbers and says that it has stopped`() throws {
        let state = Components.last(Components.tracer(tracer(.attached), RecentLosses(), uptime: 10))
        #expect(state.component == "syscall_tracer")
        #expect(state.status == .warning)
        #expect(state.message == "the collector has stopped")
        let ledger = try #require(try detail(state)["ledger"] as? [String: Any])
        #expect(ledger["seen"] as? Int == 1000)
    }
}
