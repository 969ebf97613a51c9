import Model
import Testing

@testable import kernelsight_collector

/// The governor alone, second by second: hosts are made up of rates, and cost what the governor's decisions make them cost.
@Suite struct GovernorTests {
    /// A host of two cores whose tracers cost 100 ns a run, and 50 where one thread in sixteen is measured.
    private struct Host {
        var governor = Governor(budget: 0.02, host: 2)
        var rates: [TracerName: Double] = [:]
        var own = 0.003
        var sampledNanoseconds = 50.0
        var coverage: [TracerName: Coverage] = Dictionary(
            uniqueKeysWithValues: TracerName.allCases.map { ($0, .full) })
        var now = 1000.0
        var steps: [CoverageStep] = []

        mutating func run(seconds: Int) {
            for _ in 0..<seconds {
                now += 1
                let loads = Dictionary(
                    uniqueKeysWithValues: TracerName.allCases.map { name in
                        let coverage = coverage[name] ?? .full
                        return (
                            name,
                            Governor.Load(
                                coverage: coverage, runsPerSecond: coverage == .off ? 0 : rates[name] ?? 0,
                                nanosecondsPerRun: nanoseconds(coverage))
                        )
                    })
                for step in governor.step(own: own, loads: loads, at: now) { take(step) }
                for name in governor.toProbe(at: now) {
                    if let step = governor.probed(name, runsPerSecond: rates[name] ?? 0, own: own, at: now) {
                        take(step)
                    }
                }
            }
        }

        private func nanoseconds(_ coverage: Coverage) -> Double? {
            switch coverage {
            case .full: 100
            case .sampled: sampledNanoseconds
            case .off: nil
            }
        }

        private mutating func take(_ step: CoverageStep) {
            coverage[step.tracer] = step.to
            steps.append(step)
        }

        var cost: Double {
            coverage.reduce(own) { $0 + (rates[$1.key] ?? 0) * (nanoseconds($1.value) ?? 0) / 1e9 }
        }
    }

    @Test func `a host that costs less than the budget is measured whole`() {
        var host = Host()
        host.rates = [.syscall: 60_000, .scheduler: 60_000, .blockIO: 1000]
        host.run(seconds: 600)
        #expect(host.steps.isEmpty)
    }

    @Test func `a spike of two seconds is measured whole`() {
        var host = Host()
        host.rates = [.syscall: 6_000_000]
        host.run(seconds: 2)
        host.rates = [:]
        host.run(seconds: 60)
        #expect(host.steps.isEmpty)
    }

    @Test func `a storm is under the budget within ten seconds, and whole again within sixty seconds of calm`() {
        var host = Host()
        host.rates = [.syscall: 6_000_000, .scheduler: 20_000]
        host.run(seconds: 10)
        #expect(host.coverage[.syscall] == .off)
        #expect(host.coverage[.scheduler] == .full)
        #expect(host.cost <= host.governor.budget)
        host.run(seconds: 300)
        #expect(host.coverage[.syscall] == .off)
        #expect(host.steps.count == 1)
        host.rates = [:]
        host.run(seconds: 60)
        #expect(host.coverage.values.allSatisfy { $0 == .full })
        #expect(host.steps.map(\.to) == [.off, .full])
    }

    @Test func `a storm that comes and goes is looked at less and less`() {
        var host = Host()
        var whole = 0
        for second in 0..<600 {
            host.rates = [.syscall: second % 20 < 10 ? 6_000_000 : 0]
            host.run(seconds: 1)
            if second >= 300, host.coverage[.syscall] != .off { whole += 1 }
        }
        #expect(whole == 0)
        host.rates = [:]
        host.run(seconds: 60)
        #expect(host.coverage[.syscall] == .full)
    }

    @Test func `what comes back to half of a storm is sampled first`() {
        var host = Host()
        host.rates = [.syscall: 6_000_000]
        host.run(seconds: 10)
        host.rates = [.syscall: 200_000]
        host.run(seconds: 60)
        #expect(host.steps.map(\.to) == [.off, .sampled])
    }

    @Test func `what a sample is cheap enough for is sampled and not switched off`() {
        var host = Host()
        host.rates = [.syscall: 250_000]
        host.run(seconds: 10)
        #expect(host.coverage[.syscall] == .sampled)
        #expect(host.cost <= host.governor.budget)
        host.run(seconds: 600)
        #expect(host.steps.count == 1)
    }

    @Test func `a sample that is dearer than thought is looked at before it is switched off`() {
        var host = Host()
        host.sampledNanoseconds = 90
        host.rates = [.syscall: 250_000]
        host.run(seconds: 4)
        #expect(host.steps.map(\.to) == [.sampled])
        host.run(seconds: 6)
        #expect(host.steps.map(\.to) == [.sampled, .off])
    }

    @Test func `two storms at once are both held down, the dearer first`() {
        var host = Host()
        host.rates = [.syscall: 3_000_000, .pageFault: 1_000_000]
        host.run(seconds: 10)
        #expect(host.steps.map(\.tracer) == [.syscall, .pageFault])
        #expect(host.cost <= host.governor.budget)
    }

    @Test func `what nothing stands in for stays whole, and the others have a part of the budget all the same`() {
        var host = Host()
        host.rates = [.blockIO: 500_000, .syscall: 1_000_000, .scheduler: 20_000, .pageFault: 10_000]
        host.run(seconds: 60)
        #expect(host.coverage[.blockIO] == .full)
        #expect(host.coverage[.syscall] == .off)
        #expect(host.coverage[.scheduler] == .full && host.coverage[.pageFault] == .full)
    }

    @Test func `what tells who is blocked goes after the others`() {
        var host = Host()
        host.rates = [.scheduler: 140_000, .syscall: 40_000, .pageFault: 30_000]
        host.run(seconds: 60)
        #expect(host.coverage[.scheduler] == .full)
        #expect(host.coverage[.syscall] != .full)
        #expect(host.cost <= host.governor.budget)
    }

    @Test func `a storm of switches costs their tracer and no other, and calm brings it back`() {
        var host = Host()
        host.rates = [.scheduler: 3_000_000, .syscall: 40_000]
        host.run(seconds: 10)
        #expect(host.coverage[.scheduler] == .off)
        #expect(host.coverage[.syscall] == .full)
        #expect(host.cost <= host.governor.budget)
        host.rates = [:]
        host.run(seconds: 60)
        #expect(host.coverage[.scheduler] == .full)
    }

    @Test func `after a storm of switches the others make room for their tracer`() {
        var host = Host()
        let usual: [TracerName: Double] = [.scheduler: 60_000, .syscall: 40_000, .pageFault: 30_000]
        host.rates = usual
        host.run(seconds: 60)
        #expect(host.steps.isEmpty)
        host.rates[.scheduler] = 3_000_000
        host.run(seconds: 10)
        #expect(host.coverage[.scheduler] == .off)
        host.rates = usual
        host.run(seconds: 60)
        #expect(host.coverage.values.allSatisfy { $0 == .full }, "\(host.steps)")
    }

    @Test func `a cost around the floor does not go up and down either`() {
        var host = Host()
        host.own = 0.019
        for second in 0..<600 {
            // The floor is 6 ms.
            host.rates = [.syscall: second % 8 < 4 ? 58_000 : 64_000]
            host.run(seconds: 1)
        }
        #expect(host.steps.count <= 1, "\(host.steps)")
    }

    @Test func `one bad second keeps nothing from coming back`() {
        var host = Host()
        host.rates = [.syscall: 6_000_000]
        host.run(seconds: 10)
        for second in 0..<30 {
            host.rates = [.syscall: 1000, .pageFault: second.isMultiple(of: 9) ? 400_000 : 0]
            host.run(seconds: 1)
        }
        #expect(host.coverage[.syscall] == .full)
    }

    @Test func `a collector that is dear itself leaves the tracers a part of the budget`() {
        var host = Host()
        host.own = 0.05
        host.rates = [.syscall: 20_000, .scheduler: 20_000]
        host.run(seconds: 60)
        #expect(host.steps.isEmpty)
        host.rates = [.syscall: 2_000_000, .scheduler: 20_000]
        host.run(seconds: 60)
        #expect(host.coverage[.syscall] == .off)
        #expect(host.coverage[.scheduler] == .full)
    }

    @Test func `a budget that grows brings everything back`() {
        var host = Host()
        host.rates = [.syscall: 400_000]
        host.run(seconds: 10)
        host.governor.budget = 0.2
        host.run(seconds: 60)
        #expect(host.coverage[.syscall] == .full)
    }

    @Test func `a load at the edge does not go up and down`() {
        var host = Host()
        for second in 0..<600 {
            // Whole it costs 16 to 18.6 ms of the 20; as a sample, far less.
            host.rates = [.syscall: second.isMultiple(of: 2) ? 130_000 : 156_000]
            host.run(seconds: 1)
        }
        #expect(host.steps.isEmpty)
        host.rates = [.syscall: 200_000]
        host.run(seconds: 600)
        #expect(host.steps.count == 1)
    }
}
