import Forecast
import Model
import Testing

@Suite struct TrendTests {
    private let start = Timestamp(nanoseconds: 1_764_000_000_000_000_000)

    private func points(_ count: Int, every seconds: Double = 60, _ value: (Int) -> Double) -> [Trend.Point] {
        (0..<count).map { Trend.Point(start.advanced(bySeconds: Double($0) * seconds), value($0)) }
    }

    @Test func `a line is found as it is`() throws {
        let trend = try #require(Trend(points(31) { 0.1 + 0.01 * Double($0) }))
        #expect(abs(trend.slope - 0.01) < 1e-12)
        #expect(abs(trend.current - 0.4) < 1e-12)
        #expect(abs(trend.rSquared - 1) < 1e-9)
        #expect(trend.minutes == 30)
        #expect(trend.confidence == .high)
        #expect(abs(trend.value(after: 20) - 0.6) < 1e-9)
        #expect(trend.halfWidth(after: 20) < 1e-6)
    }

    @Test func `the order of the points does not matter`() throws {
        let forth = points(12) { Double($0 * $0) }
        let one = try #require(Trend(forth))
        let other = try #require(Trend(forth.reversed()))
        #expect(one.end == other.end)
        #expect(abs(one.slope - other.slope) < 1e-9)
        #expect(abs(one.halfWidth(after: 5) - other.halfWidth(after: 5)) < 1e-9)
    }

    /// x = 1…5, y = 2, 4, 5, 4, 5: slope 0.6, intercept 2.2, r² = 0.6, s = √(2.4 / 3) (a textbook's example).
    @Test func `a textbook's example comes out as printed`() throws {
        let values = [2.0, 4, 5, 4, 5]
        let trend = try #require(Trend(points(5) { values[$0] }))
        #expect(abs(trend.slope - 0.6) < 1e-12)
        #expect(abs(trend.current - 5.2) < 1e-12)
        #expect(abs(trend.rSquared - 0.6) < 1e-12)
        #expect(abs(trend.residual - 0.8944271909999159) < 1e-12)
        // One minute on, x = 6: 3.182 · 0.8944 · √(1 + 1/5 + 9/10).
        #expect(abs(trend.halfWidth(after: 1) - 3.182 * 0.8944271909999159 * 2.1.squareRoot()) < 1e-9)
    }

    @Test func `two points, one moment and values that are not numbers are no trend`() {
        #expect(Trend(points(2) { Double($0) }) == nil)
        #expect(Trend(points(5, every: 0) { Double($0) }) == nil)
        #expect(Trend(points(5) { $0 < 3 ? .nan : 1 }) == nil)
    }

    @Test func `values that stay the same have no slope and explain nothing`() throws {
        let trend = try #require(Trend(points(20) { _ in 0.5 }))
        #expect(trend.slope == 0)
        #expect(trend.rSquared == 0)
        #expect(trend.confidence == .low)
    }

    @Test(arguments: [
        (4, 0.0, Trend.Confidence.low), (8, 0.0, .medium), (8, 3.0, .low), (20, 0.0, .high), (20, 4.0, .medium),
        (20, 9.0, .low),
    ])
    func `confidence is by points and r²`(_ count: Int, _ noise: Double, _ expected: Trend.Confidence) throws {
        // A line with a saw of the given height on it.
        let trend = try #require(Trend(points(count) { Double($0) * 0.5 + ($0 % 2 == 0 ? noise : -noise) / 2 }))
        #expect(trend.confidence == expected, "r² is \(trend.rSquared)")
    }

    @Test func `the band holds about 95 of 100 values to come`() throws {
        var generator = SplitMix(state: 42)
        var inside = 0
        for _ in 0..<2000 {
            let noisy = points(31) { Double($0) + generator.normal() }
            let trend = try #require(Trend(Array(noisy.dropLast())))
            if abs(noisy[30].value - trend.value(after: 1)) <= trend.halfWidth(after: 1) { inside += 1 }
        }
        #expect((1860...1940).contains(inside), "\(inside) of 2000")
    }
}

/// Numbers that are the same in each run.
struct SplitMix {
    var state: UInt64

    mutating func next() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53)
    }

    /// Twelve uniform numbers less six: a normal one for all purposes here.
    mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + next() } }
}
