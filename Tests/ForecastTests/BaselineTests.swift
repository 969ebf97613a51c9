import Foundation
import Model
import Testing

@testable import Forecast

@Suite struct ValueSketchTests {
    @Test func `quantiles are within two per cent, over twelve decades`() throws {
        for scale in [1e-6, 1, 1e6] {
            var sketch = ValueSketch()
            for value in 1...1000 { sketch.add(Double(value) * scale) }
            for share in [0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1] {
                let quantile = try #require(sketch.quantile(share))
                #expect(abs(quantile / (share * 1000 * scale) - 1) < 0.021, "\(share) of \(scale)")
            }
        }
    }

    @Test func `zeros count, and what is no number or below zero does not`() {
        var sketch = ValueSketch()
        for value in [0, 0, 0, 5, .nan, -1, .infinity] { sketch.add(value) }
        #expect(sketch.count == 4)
        #expect(sketch.quantile(0.5) == 0)
        #expect(abs((sketch.quantile(1) ?? 0) - 5) < 0.1)
        #expect(ValueSketch().quantile(0.5) == nil)
    }

    @Test func `two that are merged say what one of all values says`() {
        var one = ValueSketch()
        var other = ValueSketch()
        var all = ValueSketch()
        for value in 1...500 {
            one.add(Double(value))
            other.add(Double(value) / 1000)
            all.add(Double(value))
            all.add(Double(value) / 1000)
        }
        one.merge(other)
        #expect(one.count == 1000)
        for share in [0.1, 0.5, 0.9] { #expect(one.quantile(share) == all.quantile(share)) }
    }

    @Test func `what has faded is gone`() {
        var sketch = ValueSketch()
        for _ in 0..<100 { sketch.add(1) }
        sketch.age(by: 0.5)
        #expect(abs(sketch.count - 50) < 1e-3)
        sketch.add(1000)
        sketch.age(by: 0.0001)
        #expect(sketch == ValueSketch())
    }

    @Test func `the number of buckets is bounded`() throws {
        var sketch = ValueSketch()
        for exponent in -8...300 { sketch.add(pow(10, Double(exponent))) }
        sketch.add(1e-8)
        #expect(sketch.count == 310)
        #expect(abs((sketch.quantile(1) ?? 0) / 1e300 - 1) < 0.03)
        #expect(try JSONEncoder().encode(sketch).count < 10_000)
    }

    @Test func `it comes back from storage as it was`() throws {
        var sketch = ValueSketch()
        for value in 0..<300 { sketch.add(Double(value)) }
        #expect(try JSONDecoder().decode(ValueSketch.self, from: JSONEncoder().encode(sketch)) == sketch)
    }
}

@Suite struct BaselineTests {
    /// Midnight.
    private let start = Timestamp(nanoseconds: 1_763_942_400_000_000_000)

    private func learned(_ seconds: Range<Int>, every step: Int = 1, _ value: (Int) -> Double) -> Baseline {
        var baseline = Baseline()
        for second in stride(from: seconds.lowerBound, to: seconds.upperBound, by: step) {
            baseline.learn(value(second), at: start.advanced(bySeconds: Double(second)))
        }
        return baseline
    }

    @Test func `nothing is usual before a quarter of an hour of values`() {
        #expect(learned(0..<899) { _ in 1 }.usual(at: start) == nil)
        #expect(learned(0..<900) { _ in 1 }.usual(at: start)?.profile.median.rounded() == 1)
    }

    @Test func `once there is a day, each hour is compared with itself`() throws {
        // Busy from 9 to 10, calm otherwise.
        let baseline = learned(0..<93_600) { $0 / 3600 % 24 == 9 ? 100 : 10 }
        let busy = try #require(baseline.usual(at: start.advanced(bySeconds: 9.5 * 3600)))
        #expect(busy.hour == 9)
        #expect(abs(busy.profile.median / 100 - 1) < 0.02)
        let calm = try #require(baseline.usual(at: start.advanced(bySeconds: 15 * 3600)))
        #expect(calm.hour == 15)
        #expect(abs(calm.profile.p99 / 10 - 1) < 0.02)
    }

    @Test func `before that, all hours together say what is usual`() throws {
        let baseline = learned(0..<7200) { _ in 10 }
        #expect(baseline.usual(at: start.advanced(bySeconds: 3600))?.hour == nil)
        #expect(baseline.usual(at: start.advanced(bySeconds: 20 * 3600))?.hour == nil)
    }

    @Test func `a change is known after a few days`() throws {
        let baseline = learned(0..<6 * 86_400, every: 1) { $0 < 3 * 86_400 ? 10 : 100 }
        let usual = try #require(baseline.usual(at: start.advanced(bySeconds: 6 * 86_400)))
        #expect(usual.profile.median > 90)
        #expect(usual.profile.p25 < 110)
    }

    @Test func `a clock that is set back loses nothing`() {
        var baseline = learned(0..<2000) { _ in 5 }
        let before = baseline.usual(at: start)?.profile.count
        baseline.learn(5, at: start.advanced(bySeconds: -86_400 * 30))
        #expect(baseline.usual(at: start)?.profile.count == before.map { $0 + 1 })
    }

    @Test func `times before 1970 have an hour too`() {
        var baseline = Baseline()
        for second in 1...1000 { baseline.learn(1, at: Timestamp(nanoseconds: Int64(second) * -5_000_000_000)) }
        #expect(baseline.usual(at: start)?.profile.count.rounded() == 1000)
    }
}

@Suite struct ProfileTests {
    @Test(arguments: [(0.0, "low"), (0.19, "low"), (0.2, "medium"), (0.5, "high"), (0.99, "high"), (1, "very_high")])
    func `volatility is by the coefficient of variation`(_ variation: Double, _ name: String) {
        #expect(Volatility(variation).rawValue == name)
    }

    @Test func `the statistics are those of the values`() throws {
        var sketch = ValueSketch()
        for value in 1...100 { sketch.add(Double(value)) }
        let profile = try #require(Profile(sketch))
        for (found, expected) in [
            (profile.minimum, 1.0), (profile.p25, 25), (profile.median, 50), (profile.p75, 75), (profile.p95, 95),
            (profile.p99, 99), (profile.maximum, 100), (profile.mean, 50.5),
        ] {
            #expect(abs(found / expected - 1) < 0.021, "\(found) for \(expected)")
        }
        // √((100² − 1) / 12) / 50.5
        #expect(abs((profile.variation ?? 0) - 0.5716) < 0.02)
        #expect(profile.volatility == .high)
        #expect(Profile(ValueSketch()) == nil)
    }

    @Test(arguments: [
        ([0.0, 10, 20, 30], TemporalPattern.constant), ([0, 10, 15, 30, 36], .periodic),
        ([0, 1, 2, 30, 31, 90], .sporadic), ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2000], .burst),
    ])
    func `a pattern is by the times between events`(_ seconds: [Double], _ pattern: TemporalPattern) {
        let start = Timestamp(nanoseconds: 0)
        #expect(TemporalPattern(seconds.map { start.advanced(bySeconds: $0) }) == pattern)
    }

    @Test func `two events have no pattern`() {
        #expect(TemporalPattern([Timestamp(nanoseconds: 0), Timestamp(nanoseconds: 5)]) == nil)
    }
}
