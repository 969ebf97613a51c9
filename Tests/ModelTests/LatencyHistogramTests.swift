import Model
import Testing

@Suite struct LatencyHistogramTests {
    @Test func `every bucket starts where the one before ends`() {
        for bucket in 1..<LatencyHistogram.bucketCount {
            let lower = LatencyHistogram.lowerBound(ofBucket: bucket)
            #expect(LatencyHistogram.bucket(of: lower) == bucket)
            #expect(LatencyHistogram.bucket(of: lower - 1) == bucket - 1)
        }
    }

    @Test func `a midpoint is at most 6 and a quarter percent from any value in its bucket`() {
        var value: UInt64 = 1
        while value < 1 << 35 {
            let reported = Double(LatencyHistogram.midpoint(ofBucket: LatencyHistogram.bucket(of: value)))
            #expect(abs(reported - Double(value)) <= 0.0625 * Double(value), "\(value) ns")
            value += value / 37 + 1
        }
    }

    @Test func `values beyond the last bucket are counted in it`() {
        #expect(LatencyHistogram.bucket(of: .max) == LatencyHistogram.bucketCount - 1)
    }

    @Test func `percentiles are the nearest rank`() {
        var histogram = LatencyHistogram()
        for value in 1...100 { histogram.record(UInt64(value) * 1_000_000) }
        for percent in [1.0, 50, 95, 99, 100] {
            let reported = Double(histogram.percentile(percent) ?? 0)
            #expect(abs(reported - percent * 1e6) <= 0.0625 * percent * 1e6)
        }
        #expect(LatencyHistogram().percentile(50) == nil)
    }

    @Test func `merging adds counts whichever side is empty`() {
        var left = LatencyHistogram()
        var right = LatencyHistogram()
        right.record(1000, times: 3)
        left.merge(right)
        left.merge(LatencyHistogram())
        left.merge(right)
        #expect(left.total == 6)
        #expect(left.count(atLeast: 1000) == 6)
        #expect(left.count(atLeast: 2000) == 0)
    }
}
