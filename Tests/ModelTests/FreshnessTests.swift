import Model
import Testing

@Suite struct FreshnessTests {
    private let now = Timestamp(nanoseconds: 1_795_575_600_000_000_000)

    private func freshness(secondsAgo seconds: Double) -> Freshness {
        Freshness(of: now.advanced(bySeconds: -seconds), at: now, limit: 10)
    }

    @Test(arguments: [0, 9.9, -9.9]) func `data within the limit are fresh, on both sides of now`(seconds: Double) {
        #expect(!freshness(secondsAgo: seconds).isStale)
        #expect(freshness(secondsAgo: seconds).reason == nil)
    }

    @Test func `old data, data from the future and none at all are stale, each for its own reason`() {
        #expect(freshness(secondsAgo: 60).reason?.contains("is 60 s old") == true)
        #expect(
            freshness(secondsAgo: -60).reason?.contains("is dated 60 s in the future: the clock was set back") == true)
        let none = Freshness(of: Timestamp(nanoseconds: 0), at: now, limit: 10)
        #expect(none.isStale)
        #expect(none.age == nil)
        #expect(none.reason?.contains("has not written yet") == true)
    }

    @Test func `without fresh data a part is at best a warning`() {
        for (status, shown) in [(ComponentState.Status.ok, ComponentState.Status.warning), (.error, .error)] {
            let part = ComponentState(component: "readers", status: status, message: "")
            #expect(part.shown(with: freshness(secondsAgo: 1)).status == status)
            #expect(part.shown(with: freshness(secondsAgo: 11)).status == shown)
        }
    }
}
