import ArgumentParser
import FaultLab
import Foundation

struct FaultLabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faultlab",
        abstract: "Plays real faults on this host and shows what KernelSight says of them.",
        discussion: """
            Needs root, stress-ng, fio and iptables (some scenarios also nginx, e2fsprogs, procps, or the sources), and a \
            host that may be slow for some minutes: CPUs, the disk under the temporary directory, a memory cgroup and \
            loopback ports are loaded one after the other. A collector of its own watches; live data are not touched. Exit \
            status 1 when something was not as expected.
            """)

    @Argument(help: "Scenarios; all of them when none is named.")
    var names: [String] = []

    @Flag(help: "Only what fits into ten minutes.")
    var short = false

    @Flag(help: "Lists the scenarios and plays none.")
    var list = false

    @Option(help: "How often.")
    var runs = 1

    @Flag(help: "Lets an agent in mode auto mend faults, and shows how the victims fare.")
    var agent = false

    @Flag(help: "With --agent: plays each fault once more, with a person who at once does what helps most.")
    var byHand = false

    @Option(help: "The configuration for the collector; the defaults when none is given.")
    var config: String?

    func validate() throws {
        for name in names where agent ? Remedy.named(name) == nil : Catalogue.named(name) == nil {
            throw ValidationError("\(name): no such scenario; --list shows them")
        }
        if byHand, !agent { throw ValidationError("--by-hand: goes with --agent") }
        guard (1...100).contains(runs) else { throw ValidationError("--runs: 1 to 100") }
    }

    func run() throws {
        if agent { return try mend() }
        let chosen = names.isEmpty ? (short ? Catalogue.short : Catalogue.all) : names.compactMap(Catalogue.named)
        if list { return show(chosen) }
        let lab = try Lab(config: config)
        try repeatedly(Report.header) {
            var report = Report()
            try each(chosen) { scenario in
                let outcome = try lab.play(scenario)
                report.outcomes.append(outcome)
                return Report.lines(outcome)
            } skipped: {
                report.skipped.append(($0.name, $1))
            }
            return (report.score, report.isRight)
        }
    }

    /// Plays the faults that the agent is to mend.
    private func mend() throws {
        let chosen = names.isEmpty ? Remedy.all : names.compactMap(Remedy.named)
        if list { return show(chosen.map(\.scenario)) }
        let lab = try Lab(config: config)
        try repeatedly(RemedyReport.header) {
            var report = RemedyReport()
            var isComplete = true
            try each(chosen) { remedy in
                let outcome = try lab.play(remedy, byHand: byHand)
                report.outcomes.append(outcome)
                return RemedyReport.lines(outcome)
            } skipped: { _, _ in
                isComplete = false
            }
            return (report.score, report.isRight && isComplete)
        }
    }

    private func show(_ scenarios: [Scenario]) {
        for scenario in scenarios { print("\(scenario.name)\t\(scenario.about)") }
    }

    private func repeatedly(_ header: String, _ run: () throws -> (score: [String], isRight: Bool)) throws {
        var isRight = true
        for _ in 1...runs {
            print(header)
            let result = try run()
            for line in result.score { print(line) }
            isRight = isRight && result.isRight
        }
        if !isRight { throw ExitCode.failure }
    }

    /// Plays some, one after the other, and prints the lines of each; one that cannot be played is skipped.
    private func each<Item: Named>(
        _ items: [Item], _ play: (Item) throws -> [String], skipped: (Item, String) -> Void
    ) throws {
        for item in items {
            do {
                for line in try play(item) { print(line) }
            } catch is LabInterruption {
                throw ExitCode(130)
            } catch let failure as LabFailure {
                skipped(item, failure.description)
                print("SKIP  \(item.name): \(failure)")
            }
            fflush(nil)
        }
    }
}

/// What the lab plays.
private protocol Named { var name: String { get } }
extension Scenario: Named {}
extension Remedy: Named {}
