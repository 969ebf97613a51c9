import Model
import Testing

@testable import Benchmarks

struct ComparisonTests {
    private let machine = Results.Machine(kernel: "6.18", processor: "x", cores: 2, memoryBytes: 1)

    private func verdict(_ bar: Figure.Bar?, _ before: [Double], _ after: [Double]) -> Comparison.Verdict? {
        func results(_ runs: [Double]) -> Results {
            // Each run scatters little, which says nothing of the next.
            runs.reduce(Results([], machine: machine)) {
                $0.adding([Figure("f", $1, "ms", bar: bar, rounds: Array(repeating: $1, count: 10), detail: "")])
            }
        }
        let comparison = Comparison(results(before), results(after))
        #expect(comparison.remarks.isEmpty)
        return comparison.lines.first?.verdict
    }

    @Test func `runs that part are better or worse by the side of the bar`() {
        let (low, high) = ([1.0, 1.1, 1.2, 1.05, 1.15], [2.0, 2.1, 2.2, 2.05, 2.15])
        #expect(verdict(.atMost(1), low, high) == .worse)
        #expect(verdict(.atMost(1), high, low) == .better)
        #expect(verdict(.atLeast(1), low, high) == .better)
        #expect(verdict(nil, low, high) == .changed)
    }

    @Test func `runs that mingle are no difference`() {
        #expect(verdict(.atMost(1), [1, 2, 3, 4, 5], [1.5, 2.5, 3.5, 4.5, 5.5]) == .same)
        #expect(verdict(.atMost(1), [1, 1, 1, 1], [1, 1, 1, 1]) == .same)
    }

    @Test func `fewer than four runs are not judged, however quiet their rounds`() {
        #expect(verdict(.atMost(1), [1], [9]) == .unknown)
        #expect(verdict(.atMost(1), [1, 1, 1], [9, 9, 9, 9]) == .unknown)
    }

    /// Against the exact distribution of U for 4 and 5 values each.
    @Test func `the chance is that of Mann and Whitney`() throws {
        func chance(_ first: [Double], _ second: [Double]) throws -> Double {
            try #require(Comparison.chance(first, second))
        }
        #expect(abs(try chance([1, 2, 3, 4], [5, 6, 7, 8]) - 2.0 / 70) < 0.01)
        #expect(abs(try chance([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) - 2.0 / 252) < 0.01)
        #expect(try chance([1, 1, 1, 1], [1, 1, 1, 1]) == 1)
        #expect(try chance([5, 6, 7, 8], [1, 2, 3, 4]) == chance([1, 2, 3, 4], [5, 6, 7, 8]))
    }

    @Test func `what stands in one result alone, and another machine, is said`() {
        let other = Results.Machine(kernel: "5.15", processor: "x", cores: 2, memoryBytes: 1)
        let comparison = Comparison(
            Results([Figure("a", 1, "", detail: "")], machine: machine),
            Results([Figure("b", 1, "", detail: "")], machine: other))
        #expect(comparison.lines.isEmpty)
        #expect(
            comparison.remarks == [
                "a: only before", "b: only after", "the machines differ: figures that are no ratios say nothing",
            ])
    }
}
