import Testing

@testable import FaultLab

/// Real faults and everyday work on this host, in front of a collector with all tracers and the defaults: the subset of the
/// FaultLab that fits into ten minutes. Needs root, BPF, stress-ng, fio and iptables.
@Suite(.serialized) struct ScenarioTests {
    @Test func `every fault of the short run is found, explained and closed, and everyday work is silent`() throws {
        let lab = try Lab()
        for scenario in Catalogue.short {
            var outcome = try lab.play(scenario)
            if !outcome.isRight, outcome.isDisturbed {
                print(Report.lines(outcome).joined(separator: "\n"))
                outcome = try lab.play(scenario)
            }
            // Of the outcome itself the report would be thousands of characters.
            let isRight = outcome.isRight
            #expect(isRight, "\n\(([Report.header] + Report.lines(outcome)).joined(separator: "\n"))")
        }
    }
}
