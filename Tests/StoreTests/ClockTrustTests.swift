import Model
import Testing

@testable import Store

struct ClockTrustTests {
    private var clock = ClockTrust(hold: .seconds(600))

    /// Looks at a tick, both times in seconds from the start of the test; says for how long deletions are held.
    private mutating func look(tick: Double, monotonic: Double) -> Double? {
        clock.look(at: start.advanced(bySeconds: tick), Monotonic(nanoseconds: Int64((1000 + monotonic) * 1e9)))
    }

    /// A start, and the ten minutes after it.
    private mutating func settle() {
        #expect(look(tick: -600, monotonic: -600) == 600)
        #expect(look(tick: -1, monotonic: -1) == 1)
        #expect(look(tick: 0, monotonic: 0) == nil)
    }

    @Test mutating func `ten minutes after a start the clock is believed, also with a late tick and after a stall`() {
        settle()
        #expect(look(tick: 1, monotonic: 1) == nil)
        #expect(look(tick: 1, monotonic: 300) == nil)
        #expect(look(tick: 310, monotonic: 309) == nil)
        #expect(look(tick: 365, monotonic: 310) == nil)
    }

    @Test(arguments: [30 * 86_400, 61, -61, -20 * 365 * 86_400] as [Double])
    mutating func `after a jump nothing is deleted for ten minutes`(jump: Double) {
        settle()
        #expect(look(tick: 1 + jump, monotonic: 1) == 600)
        #expect(look(tick: 2 + jump, monotonic: 2) == 599)
        #expect(look(tick: 600 + jump, monotonic: 600) == 1)
        #expect(look(tick: 601 + jump, monotonic: 601) == nil)
        #expect(look(tick: 3600 + jump, monotonic: 3600) == nil)
    }

    @Test mutating func `a jump back to the right time begins the ten minutes anew`() {
        settle()
        #expect(look(tick: 90_000, monotonic: 1) == 600)
        #expect(look(tick: 500, monotonic: 500) == 600)
        #expect(look(tick: 1099, monotonic: 1099) == 1)
        #expect(look(tick: 1100, monotonic: 1100) == nil)
    }

    @Test mutating func `while no tick comes the wait goes on`() {
        settle()
        #expect(look(tick: 90_000, monotonic: 1) == 600)
        #expect(look(tick: 90_000, monotonic: 501) == 100)
        #expect(look(tick: 90_000, monotonic: 601) == nil)
    }
}
