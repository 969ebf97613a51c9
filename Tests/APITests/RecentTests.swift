import Foundation
import Synchronization
import Testing

@testable import API

private struct Refused: Error {}

@Suite struct RecentTests {
    @Test func `a failure is shared by all who wait for it, as a value is`() {
        for fails in [true, false] {
            let recent = Recent<Int>(lifetime: .seconds(60))
            let made = Atomic(0), refused = Atomic(0), got = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 16) { _ in
                do {
                    _ = try recent.value {
                        let number = made.add(1, ordering: .relaxed).newValue
                        if fails { throw Refused() }
                        return number
                    }
                    got.add(1, ordering: .relaxed)
                } catch {
                    refused.add(1, ordering: .relaxed)
                }
            }
            #expect(made.load(ordering: .relaxed) == 1)
            #expect(refused.load(ordering: .relaxed) == (fails ? 16 : 0))
            #expect(got.load(ordering: .relaxed) == (fails ? 0 : 16))
        }
    }

    @Test func `what took longer to make than it is remembered is remembered all the same`() throws {
        let recent = Recent<Int>(lifetime: .seconds(1))
        var made = 0
        for _ in 1...2 {
            _ = try recent.value {
                made += 1
                let end = ContinuousClock.now + .milliseconds(1100)
                while ContinuousClock.now < end { sched_yield() }
                return made
            }
        }
        #expect(made == 1)
    }

    @Test func `after its time a failure is forgotten`() {
        let recent = Recent<Int>(lifetime: .milliseconds(1))
        #expect(throws: Refused.self) { try recent.value { throw Refused() } }
        #expect(eventually { (try? recent.value { 5 }) == 5 })
    }
}
