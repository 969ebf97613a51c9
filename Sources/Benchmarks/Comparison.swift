import Glibc

/// Two results, figure by figure, with what the noise of their runs allows to say.
public struct Comparison: Sendable {
    public enum Verdict: String, Sendable {
        case better
        case worse
        /// Other, where nobody said which way is good.
        case changed
        /// The runs of both mingle.
        case same = "no difference"
        /// Fewer than four runs, so that nobody knows how noisy it is.
        case unknown = "cannot tell"
    }

    public struct Line: Sendable {
        public var name: String
        public var unit: String
        public var before: Double
        public var after: Double
        /// How likely runs would part like that by chance; `nil` where there are too few.
        public var chance: Double?
        public var verdict: Verdict

        /// `COUNT, 30 d, mean: 0.7 → 0.019 ms (−97 %): better, p = 0.0000`
        public var text: String {
            let change =
                before == 0 ? "" : " (\(after < before ? "−" : "+")\(short(abs(100 * (after / before - 1)))) %)"
            let chance = self.chance.map { ", p = \(short($0))" } ?? ""
            return
                "\(name): \(short(before)) → \(short(after))\(unit.isEmpty ? "" : " " + unit)\(change): \(verdict.rawValue)\(chance)"
        }
    }

    public var lines: [Line]
    /// What stands in one of the two alone, and that the machines differ.
    public var remarks: [String]

    /// Runs that part by chance no more often than this are different.
    static let level = 0.05

    public init(_ before: Results, _ after: Results) {
        let old = Dictionary(before.figures.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let new = Set(after.figures.map(\.name))
        lines = after.figures.compactMap { figure in old[figure.name].map { Self.line($0, figure) } }
        remarks = before.figures.filter { !new.contains($0.name) }.map { "\($0.name): only before" }
        remarks += after.figures.filter { old[$0.name] == nil }.map { "\($0.name): only after" }
        if before.machine != after.machine {
            remarks.append("the machines differ: figures that are no ratios say nothing")
        }
    }

    private static func line(_ before: Figure, _ after: Figure) -> Line {
        let chance = chance(before.runs, after.runs)
        let verdict: Verdict =
            switch chance {
            case nil: .unknown
            case let chance? where chance > level: .same
            default: better(after.bar ?? before.bar, isMore: after.value > before.value)
            }
        return Line(
            name: after.name, unit: after.unit, before: before.value, after: after.value, chance: chance,
            verdict: verdict)
    }

    private static func better(_ bar: Figure.Bar?, isMore: Bool) -> Verdict {
        switch bar {
        case .atMost: isMore ? .worse : .better
        case .atLeast: isMore ? .better : .worse
        case nil: .changed
        }
    }

    /// How likely two samples of one distribution part at least as far as these (Mann–Whitney U, two-sided, normal
    /// approximation with continuity correction; from 4 values each it is within 0.01 of the exact one). `nil` below that.
    static func chance(_ first: [Double], _ second: [Double]) -> Double? {
        guard first.count >= 4, second.count >= 4 else { return nil }
        let wins = first.reduce(0.0) { sum, a in
            sum + second.reduce(0.0) { $0 + (a > $1 ? 1 : a == $1 ? 0.5 : 0) }
        }
        let (n, m) = (Double(first.count), Double(second.count))
        let deviation = (n * m * (n + m + 1) / 12).squareRoot()
        let distance = max(0, abs(wins - n * m / 2) - 0.5) / deviation
        return erfc(distance / 2.0.squareRoot())
    }
}
