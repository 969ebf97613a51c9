import Forecast
import Model
import Testing

@testable import Detection

@Suite struct TCPExhaustionTests {
    /// What an idle host with these sockets is said to have, tick by tick.
    private func observed(
        _ readings: [SocketReading], every seconds: Int = 1, usual: [String: Double] = [:]
    ) -> [Observation?] {
        var rule = TCPExhaustion()
        return readings.enumerated().map { index, reading in
            let tick = Made.idle(second: index * seconds).with { $0.host.sockets = reading }
            let known = usual.compactMapValues { value in
                var baseline = Baseline()
                for second in 0..<2000 {
                    baseline.learn(value, at: Made.start.advanced(bySeconds: Double(second)))
                }
                return baseline.usual(at: Made.start)
            }
            let situation = Situation(tick, thresholds: Thresholds(), own: nil, usual: known)
            return rule.evaluate(situation).observations.first { $0.strength >= 1 }
        }
    }

    private func closeWait(_ count: Int, owner: SocketOwner? = nil) -> SocketReading {
        var reading = SocketReading()
        reading.closeWait = count
        reading.closeWaitOwner = owner
        return reading
    }

    @Test func `listen overflows and half-open connections are above low`() {
        let tick = Made.idle().with {
            $0.host.tcp?.listenOverflowsPerSecond = 30
            $0.host.tcp?.listenDropsPerSecond = 30
            $0.host.sockets?.synReceived = 1200
        }
        let found = tick.observed(TCPExhaustion())
        #expect(found.map(\.key.label) == ["listen_overflow", "syn_backlog"])
        #expect(found.map(\.grade.severity) == [.high, .high])
    }

    @Test(arguments: [(1.0, nil), (5, Severity.low), (300, .medium), (50_000, .medium)])
    func `a SYN queue that is full is at most medium where cookies answer`(cookies: Double, severity: Severity?) {
        let found = Made.idle().with { $0.host.tcp?.synCookiesPerSecond = cookies }.observed(TCPExhaustion())
        #expect(found.map(\.grade.severity) == (severity.map { [$0] } ?? []))
        #expect(found.allSatisfy { $0.key.label == "syn_backlog" && $0.finding.culprits.isEmpty })
    }

    @Test func `of half-open connections and cookies the worse is told, once`() {
        let tick = Made.idle().with {
            $0.host.tcp?.synCookiesPerSecond = 300
            $0.host.sockets?.synReceived = 1200
        }
        #expect(tick.observed(TCPExhaustion()).map(\.grade.severity) == [.high])
        let answered = tick.with { $0.host.sockets?.synReceived = 260 }.observed(TCPExhaustion())
        #expect(answered.map(\.grade.severity) == [.medium])
        #expect(answered.first?.finding.message.summary.contains("300 SYNs a second are answered") == true)
    }

    @Test func `a server with many connections in TIME_WAIT is low`() {
        let tick = Made.idle().with { $0.host.sockets?.timeWait = 60_000 }
        #expect(tick.observed(TCPExhaustion()).map(\.grade.severity) == [.low])
    }

    @Test(arguments: [(10_000, nil), (17_500, Severity.low), (26_000, .high), (28_000, .critical)])
    func `ports that run out for one destination are as bad as they are few`(taken: Int, severity: Severity?) throws {
        let found = Made.idle().with {
            $0.host.sockets?.localPorts = LocalPortReading(
                source: "10.0.0.5", destination: "10.0.0.9:5432", taken: taken, timeWait: taken - 100, range: 28_232)
        }.observed(TCPExhaustion())
        #expect(found.map(\.grade.severity) == (severity.map { [$0] } ?? []))
        guard severity != nil else { return }
        let finding = try #require(found.first?.finding)
        #expect(finding.culprits.isEmpty)
        #expect(
            finding.message.summary.hasPrefix(
                "\(taken) of 28232 local ports from 10.0.0.5 to 10.0.0.9:5432 are in use, \(taken - 100) of them"))
    }

    @Test func `who has a quarter of the sockets in CLOSE_WAIT is named, and less is not enough`() throws {
        func named(_ count: Int) throws -> Finding {
            let owner = SocketOwner(
                identity: ProcessIdentity(pid: 77, startTicks: 5), comm: "leaky", cgroup: "/app", count: count,
                total: 600)
            let found = observed([closeWait(0), closeWait(600, owner: owner)])
            return try #require(found.last??.finding)
        }
        let leak = try named(590)
        #expect(leak.culprits.map(\.comm) == ["leaky"])
        #expect(leak.culprits.first?.cgroup == "/app")
        #expect(leak.culprits.first?.measure == "sockets in CLOSE_WAIT")
        #expect(leak.message.summary.hasPrefix("leaky (pid 77) does not close what its peers have closed: it has 98 %"))
        #expect(try named(149).culprits.isEmpty)
    }

    @Test func `sockets in CLOSE_WAIT are medium when they have come, and low when they were there`() {
        let severities = observed([closeWait(400), closeWait(430), closeWait(520)]).map { $0?.grade.severity }
        #expect(severities == [.low, .low, .medium])
        let later = observed(
            [closeWait(0), closeWait(600)] + Array(repeating: closeWait(600), count: 12), every: 60
        ).map { $0?.grade.severity }
        #expect(later.prefix(3) == [nil, .medium, .medium])
        #expect(later.last == .low, "ten minutes later they are part of the host")
    }

    @Test func `where many are usual, as many are silent`() {
        #expect(observed([closeWait(60)], usual: ["tcp.close_wait": 60]).allSatisfy { $0 == nil })
        #expect(observed([closeWait(60)], usual: ["tcp.close_wait": 0]).first??.grade.severity == .low)
        #expect(
            observed([closeWait(40)], usual: ["tcp.close_wait": 0]).allSatisfy { $0 == nil }, "few are never lowered to"
        )
        var half = SocketReading()
        half.synReceived = 600
        #expect(observed([half]).first??.grade.severity == .medium)
        #expect(observed([half], usual: ["tcp.syn_received": 400]).allSatisfy { $0 == nil })
    }

    @Test func `idle is silent, and missing counters are said by label`() {
        #expect(Made.idle().observed(TCPExhaustion()).isEmpty)
        let noSockets = Made.idle().with { $0.host.sockets = nil }.verdict(TCPExhaustion())
        for label in ["syn_backlog", "local_ports", "time_wait", "close_wait"] { #expect(noSockets.isBlind(to: label)) }
        #expect(!noSockets.isBlind(to: "listen_overflow"))
        let nothing = Made.idle().with {
            $0.host.sockets = nil
            $0.host.tcp = nil
        }
        #expect(nothing.verdict(TCPExhaustion()).isBlind(to: "listen_overflow"))
    }
}
