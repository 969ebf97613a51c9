import Forecast
import Model
import Testing

@Suite struct ProjectionTests {
    private let bands = Bands(0.25, 0.5, 0.75, 0.9)

    /// 0.3 now, 0.01 a minute.
    private func rising(noise: Double = 0) throws -> Trend {
        let start = Timestamp(nanoseconds: 1_764_000_000_000_000_000)
        let points = (0...30).map { minute in
            let value = 0.01 * Double(minute) + (minute.isMultiple(of: 2) ? noise : -noise)
            return Trend.Point(start.advanced(bySeconds: Double(minute) * 60), value)
        }
        return try #require(Trend(points))
    }

    @Test func `a line is carried on to its end and to each threshold`() throws {
        let projection = Projection(try rising(), minutes: 30, thresholds: bands)
        #expect(abs(projection.current - 0.3) < 1e-9)
        #expect(abs(projection.projected - 0.6) < 1e-9)
        #expect(projection.crossings.map(\.severity) == [.low, .medium, .high, .critical])
        let minutes = projection.crossings.map(\.minutes)
        #expect(minutes[0] == 0)
        #expect(abs((minutes[1] ?? 0) - 20) < 1e-6)
        #expect(minutes[2] == nil)
        #expect(projection.risk == .medium)
    }

    @Test func `the timeline starts now, ends at the end and holds the crossings in order`() throws {
        let timeline = Projection(try rising(), minutes: 30, thresholds: bands).timeline
        #expect(timeline.first?.minutes == 0)
        #expect(timeline.last?.minutes == 30)
        #expect(timeline.contains { abs($0.minutes - 20) < 1e-6 && abs($0.value - 0.5) < 1e-6 })
        #expect(timeline.map(\.minutes) == timeline.map(\.minutes).sorted())
    }

    @Test func `a share stays between 0 and 1, with its band`() throws {
        let projection = Projection(try rising(noise: 0.05), minutes: 300, thresholds: bands, range: 0...1)
        #expect(projection.projected == 1)
        #expect(projection.timeline.allSatisfy { (0...1).contains($0.lower) && (0...1).contains($0.upper) })
        #expect(projection.lower <= projection.projected)
    }

    @Test func `a falling line meets nothing above it`() throws {
        let projection = Projection(try rising(), minutes: 30, thresholds: bands, slope: -0.005)
        #expect(abs(projection.projected - 0.15) < 1e-9)
        #expect(projection.crossings.map(\.minutes) == [0, nil, nil, nil])
        #expect(projection.risk == nil)
    }

    @Test func `a slope of one's own is taken instead of the trend's`() throws {
        let projection = Projection(try rising(), minutes: 10, thresholds: bands, slope: 0.05)
        #expect(projection.slope == 0.05)
        #expect(abs(projection.projected - 0.8) < 1e-9)
        #expect(projection.risk == .high)
    }

    @Test func `a threshold beyond what the metric can be is never met`() throws {
        let beyond = Bands(0.25, 0.5, 1.5, 2)
        let projection = Projection(try rising(), minutes: 600, thresholds: beyond, range: 0...1)
        #expect(projection.crossings.map { $0.minutes == nil } == [false, false, true, true])
    }

    @Test func `the band grows with the distance`() throws {
        let timeline = Projection(try rising(noise: 0.02), minutes: 60, thresholds: bands).timeline
        let widths = timeline.map { $0.upper - $0.lower }
        #expect(widths == widths.sorted())
        #expect((widths.first ?? 0) > 0.04)
    }
}
