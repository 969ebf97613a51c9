import Forecast
import Model
import Testing

@Suite struct OutlookTests {
    private let start = Timestamp(nanoseconds: 1_764_000_000_000_000_000)
    private let bands = Bands(0.7, 0.85, 0.95, 0.98)

    private func outlook(
        _ count: Int, minutes: Double = 30, late: Double = 0, slope: Double? = nil, _ value: (Int) -> Double
    ) throws -> Outlook {
        let points = (0..<count).map { Trend.Point(start.advanced(bySeconds: Double($0) * 60), value($0)) }
        return try Outlook(
            points, now: start.advanced(bySeconds: Double(max(count - 1, 0)) * 60 + late), minutes: minutes,
            thresholds: bands, slope: slope, range: 0...1)
    }

    @Test func `memory that fills up meets its thresholds when it will`() throws {
        let found = try outlook(31) { 0.4 + 0.01 * Double($0) }
        #expect(found.trend.confidence == .high)
        #expect(abs(found.projection.current - 0.7) < 1e-9)
        #expect(abs(found.projection.projected - 1) < 1e-9)
        let minutes = found.projection.crossings.map { $0.minutes.map { $0.rounded() } }
        #expect(minutes == [0, 15, 25, 28])
        #expect(found.projection.risk == .critical)
    }

    @Test func `a metric that stays where it is stays there`() throws {
        let found = try outlook(31) { 0.5 + ($0 % 2 == 0 ? 0.001 : -0.001) }
        #expect(abs(found.projection.projected - 0.5) < 0.005)
        #expect(found.projection.risk == nil)
    }

    @Test func `too few points, a short window and old data are refused with what to do`() {
        #expect(throws: ForecastRefusal.tooFewPoints(count: 2, needed: 3)) { try outlook(2) { _ in 0.5 } }
        #expect(throws: ForecastRefusal.windowTooShort(minutes: 10, longest: 20)) {
            try outlook(11, minutes: 21) { _ in 0.5 }
        }
        #expect(throws: ForecastRefusal.stale(seconds: 121)) { try outlook(31, late: 121) { _ in 0.5 } }
        #expect(
            ForecastRefusal.windowTooShort(minutes: 10, longest: 20).description
                == "There are 10.0 minutes of measurements; they carry a forecast of at most 20.0 minutes.")
    }

    @Test func `values all over the place are refused, with the band that they would have`() {
        #expect {
            try outlook(31) { $0 % 2 == 0 ? 0 : 1 }
        } throws: { error in
            guard case .tooUncertain(let scatter, let scale) = error as? ForecastRefusal else { return false }
            return scatter > 1 && abs(scale - 0.28) < 1e-9
        }
    }

    @Test func `a slope of one's own does not make scattered data certain`() {
        #expect(throws: ForecastRefusal.self) { try outlook(31, slope: 0.01) { $0 % 2 == 0 ? 0 : 1 } }
    }
}
