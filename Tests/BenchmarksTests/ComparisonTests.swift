import Model
import Testing

@testable import Benchmarks

struct ComparisonTests {
    private let machine = Results.Machine(kernel: "6.18", processor: "x", cores: 2, memoryBytes: 1)

    private func verdict(_ before: Figure, _ after: Figure) -> Comparison.Verdict? {
        let comparison = Comparison(Results([before], machine: machine), Results([after], machine: machine))
        #expect(comparison.remarks.isEmpty)
        return comparison.lines.first?.verdict
    }

    private func figure(_ bar: Figure.Bar?, _ rounds: [Double]) -> Figure {
        Figure("f", Samples(rounds).median, "ms", bar: bar, rounds: rounds, detail: "")
    }

    @Test func `rounds that part are better or worse by the side of the bar`() {
        let (low, high) = ([1.0, 1.1, 1.2, 1.05, 1.15], [2.0, 2.1, 2.2, 2.05, 2.15])
        #expect(verdict(figure(.atMost(1), low), figure(.atMost(1), high)) == .worse)
        #expect(verdict(figure(.atMost(1), high), figure(.atMost(1), low)) == .better)
        #expect(verdict(figure(.atLeast(1), low), figure(.atLeast(1), high)) == .better)
        #expect(verdict(figure(nil, low), figure(nil, high)) == .changed)
    }

    @Test func `rounds that mingle are no difference, and neither is what a machine drifts`() {
        #expect(verdict(figure(.atMost(1), [1, 2, 3, 4, 5]), figure(.atMost(1), [1.5, 2.5, 3.5, 4.5, 5.5])) == .same)
        #expect(
            verdict(
                figure(.atMost(1), [1, 1.001, 1.002, 1.003, 1.004]),
                figure(.atMost(1), [1.02, 1.021, 1.022, 1.023, 1.024])) == .same)
    }

    @Test func `a value that one round pulled away from all others is not judged`() {
        let before = Figure("f", 1, "ms", bar: .atMost(1), rounds: Array(repeating: 1, count: 10), detail: "")
        let rounds = Array(repeating: 0.8, count: 9) + [5]
        #expect(verdict(before, Figure("f", 1.22, "ms", bar: .atMost(1), rounds: rounds, detail: "")) == .unknown)
    }

    @Test func `what was measured once is not judged`() {
        #expect(verdict(figure(.atMost(1), [1]), figure(.atMost(1), [9])) == .unknown)
        #expect(verdict(figure(.atMost(1), [1, 1, 1]), figure(.atMost(1), [9, 9, 9])) == .unknown)
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
