import Testing

@testable import Readers

struct TickScheduleTests {
    @Test func `lateness does not add up`() {
        var schedule = TickSchedule(start: 1000, period: 1_000_000_000)
        var now: UInt64 = 1000
        for tick in 1...10_000 {
            let due = schedule.next(after: now)
            #expect(due == 1000 + UInt64(tick) * 1_000_000_000)
            now = due + 3_000_000
        }
        #expect(schedule.missed == 0)
    }

    @Test func `ticks that were due while one still ran are left out and counted`() {
        var schedule = TickSchedule(start: 0, period: 10_000_000)
        #expect(schedule.next(after: 0) == 10_000_000)
        #expect(schedule.next(after: 45_000_000) == 50_000_000)
        #expect(schedule.missed == 3)
        #expect(schedule.next(after: 52_000_000) == 60_000_000)
        #expect(schedule.missed == 3)
    }

    @Test func `no due time is given out twice, even when the sleep ended early`() {
        var schedule = TickSchedule(start: 0, period: 10_000_000)
        #expect(schedule.next(after: 0) == 10_000_000)
        #expect(schedule.next(after: 9_999_999) == 20_000_000)
        #expect(schedule.next(after: 20_000_000) == 30_000_000)
        #expect(schedule.missed == 0)
    }

    @Test func `a schedule may begin in the future`() {
        var schedule = TickSchedule(start: 50_000_000, period: 10_000_000)
        #expect(schedule.next(after: 0) == 60_000_000)
    }
}
