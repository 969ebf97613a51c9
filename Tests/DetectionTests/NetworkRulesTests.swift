import Model
import Testing

@testable import Detection

/// network_degradation: nobody on the host can be named for it.
@Suite struct NetworkRulesTests {
    private func losing(_ drops: Double, of packets: Double) -> Tick {
        Made.idle().with {
            var interface = InterfaceReading(name: "eth0")
            interface.receivedPacketsPerSecond = packets
            interface.receiveDropsPerSecond = drops
            $0.host.interfaces = [interface]
        }
    }

    /// What the rule says after each of some ticks with these drops among five thousand packets.
    private func losing(_ drops: [Double]) -> [Observation?] {
        var rule = NetworkDegradation()
        return drops.map { drops in
            rule.evaluate(Situation(losing(drops, of: 5000 - drops), thresholds: Thresholds(), own: nil))
                .observations.first
        }
    }

    @Test func `drops per packet follow the bands and name nobody`() throws {
        let found = try #require(losing([50, 50, 50, 50]).last ?? nil)
        #expect(found.key.entity.kind == .interface)
        #expect(found.grade.severity == .high)
        #expect(found.finding.culprits.isEmpty)
        #expect(
            found.finding.message.summary.hasPrefix("eth0 loses 1 % of its packets: 0 errors and 50 drops a second"))
    }

    @Test func `a queue that overflows in a burst is low, one that goes on overflowing is not`() {
        let burst = losing([0, 50, 50, 0, 0]).compactMap(\.self)
        #expect(burst.map(\.grade.severity) == [.low, .low])
        let lasting = losing([50, 50, 0, 50, 0, 50]).compactMap(\.self)
        #expect(lasting.map(\.grade.severity) == [.low, .low, .high, .high])
        let seldom = losing([50, 50] + Array(repeating: 0, count: 10) + [50]).compactMap(\.self)
        #expect(seldom.last?.grade.severity == .low)
    }

    @Test func `a few unknown frames on a quiet link are silence, and so is a busy clean one`() {
        #expect(losing(1, of: 20).observed(NetworkDegradation()).isEmpty)
        #expect(losing(0, of: 900_000).observed(NetworkDegradation()).isEmpty)
    }

    /// What the rule says after each of some ticks with these retransmits among twenty segments.
    private func retransmitting(_ retransmits: [Double], of segments: Double = 20) -> [Observation?] {
        var rule = NetworkDegradation()
        return retransmits.map { retransmits in
            let tick = Made.idle().with {
                $0.host.tcp?.outSegmentsPerSecond = segments
                $0.host.tcp?.retransmitsPerSecond = retransmits
            }
            let situation = Situation(tick, thresholds: Thresholds(), own: nil)
            return rule.evaluate(situation).observations.first { $0.strength >= 1 }
        }
    }

    @Test func `retransmits per segment count for the host`() {
        let found = retransmitting([40, 40, 40, 40, 40], of: 1000).last ?? nil
        #expect(found?.key.label == "retransmission")
        #expect(found?.grade.severity == .high)
    }

    @Test func `connections that wait for lost packets send little, and are seen over some seconds`() {
        #expect(retransmitting([2, 2, 2]).map { $0 != nil } == [false, false, true])
        #expect(retransmitting([2, 2, 2, 2, 2, 2]).last??.grade.severity == .critical)
        #expect(retransmitting([1, 0, 1, 0, 1]).allSatisfy { $0 == nil })
        #expect(retransmitting([0, 9, 0, 0, 0]).allSatisfy { $0 == nil }, "one burst")
    }

    @Test func `what a burst lost is sent again for a moment, which is low`() {
        let burst = retransmitting([40, 40, 0, 0], of: 1000).compactMap(\.self)
        #expect(burst.map(\.grade.severity) == [.low, .low])
        let lasting = retransmitting([40, 40, 40, 40, 40, 40], of: 1000).compactMap(\.self)
        #expect(lasting.map(\.grade.severity) == [.low, .low, .high, .high, .high])
    }

    @Test func `idle is silent, and missing counters are said by label`() {
        #expect(Made.idle().observed(NetworkDegradation()).isEmpty)
        let nothing = Made.idle().with {
            $0.host.tcp = nil
            $0.host.interfaces = nil
        }
        #expect(nothing.verdict(NetworkDegradation()).isBlind(to: "retransmission"))
        #expect(nothing.verdict(NetworkDegradation()).isBlind(to: "network_degradation"))
    }
}
