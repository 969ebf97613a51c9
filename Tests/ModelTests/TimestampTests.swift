import Foundation
import Model
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999_000_000, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        (1_795_921_200_123_456_789, "2026-11-29T03:00:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (.max, "2262-04-11T23:47:16.854Z"),
        (.min, "1677-09-21T00:12:43.145Z"),
    ])
    func `a time is written in RFC 3339`(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).rfc3339 == text)
    }

    @Test func `every day of four centuries agrees with Foundation`() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        for day in stride(from: -80_000, to: 80_000, by: 97) {
            let seconds = Double(day) * 86_400 + 43_200
            let ours = Timestamp(nanoseconds: Int64(seconds) * 1_000_000_000).rfc3339
            #expect(ours == formatter.string(from: Date(timeIntervalSince1970: seconds)))
        }
    }

    @Test(arguments: [Int64.min, -1, 0, 1_795_575_600_000_000_000, .max])
    func `moving and comparing times stops at the bounds and never traps`(nanoseconds: Int64) {
        let time = Timestamp(nanoseconds: nanoseconds)
        for seconds in [-.infinity, -1e300, -9.3e9, -600, 0, 600, 9.3e9, 1e300, .infinity, .nan] {
            let moved = time.advanced(bySeconds: seconds)
            if seconds < 0 { #expect(moved <= time) } else if seconds > 0 { #expect(moved >= time) }
            #expect(abs(moved.seconds(since: time)) <= 1.9e10)
        }
        #expect(time.advanced(bySeconds: 1e300) == Timestamp(nanoseconds: .max))
        #expect(time.advanced(bySeconds: -1e300) == Timestamp(nanoseconds: .min))
    }

    @Test func `times at opposite bounds are 584 years apart`() {
        let (first, last) = (Timestamp(nanoseconds: .min), Timestamp(nanoseconds: .max))
        #expect((last.seconds(since: first) / 365.2425 / 86_400).rounded(.down) == 584)
        #expect(first.seconds(since: last) == -last.seconds(since: first))
    }
}
