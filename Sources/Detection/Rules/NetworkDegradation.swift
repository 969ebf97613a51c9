import Model

/// Packets that are lost or damaged, per packet. `docs/signals/network_degradation.md`.
struct NetworkDegradation: Rule {
    static let type = SignalType.networkDegradation
    /// A handful a second is no evidence: hosts drop a few unknown frames all the time.
    static let leastPerSecond = 5.0
    /// Retransmits are looked at over this many ticks, and this many are evidence: whoever waits a second for a lost SYN sends
    /// little meanwhile.
    static let window = 3
    static let leastRetransmits = 5.0
    /// What is lost in up to this many of the last ticks was lost in a burst that overflowed a queue: it has been sent again
    /// before anybody has read of it. As a severity needs two ticks of three, a third tick does not alarm either.
    static let longestBurst = 2
    static let burstWindow = 10

    /// In which of the last ticks each condition held, latest last; for those that held at all.
    private var losses: [Episode.Key: [Bool]] = [:]
    /// The last ticks, latest last.
    private var recent: [Traffic] = []

    /// TCP segments of a tick, or of several.
    private struct Traffic {
        var seconds = 0.0
        var sent = 0.0
        var retransmitted = 0.0
    }

    mutating func evaluate(_ situation: Situation) -> Verdict {
        let host = situation.tick.host
        var verdict = Verdict()
        if let interfaces = host.interfaces {
            verdict.observations = interfaces.compactMap { observe($0, situation) }
        } else {
            verdict.blindness = "/proc/net/dev could not be read"
            verdict.blindLabels = [Self.type.rawValue]
        }
        if let tcp = host.tcp {
            let interval = situation.tick.interval
            recent.append(
                Traffic(
                    seconds: interval, sent: tcp.outSegmentsPerSecond * interval,
                    retransmitted: tcp.retransmitsPerSecond * interval))
            recent.removeFirst(max(0, recent.count - Self.window))
            if let retransmission = retransmission(tcp, situation) { verdict.observations.append(retransmission) }
        } else {
            recent = []
            verdict.blindLabels = verdict.blindness == nil ? ["retransmission"] : []
            verdict.blindness = verdict.blindness ?? "/proc/net/snmp could not be read"
        }
        verdict.observations = withBurstsLow(verdict.observations)
        return verdict
    }

    private mutating func withBurstsLow(_ observations: [Observation]) -> [Observation] {
        let held = Set(observations.filter { $0.strength >= 1 }.map(\.key))
        for key in held.union(losses.keys) {
            let ticks = Array((losses[key, default: []] + [held.contains(key)]).suffix(Self.burstWindow))
            losses[key] = ticks.contains(true) ? ticks : nil
        }
        return observations.map { observation in
            guard losses[observation.key, default: []].count(where: \.self) <= Self.longestBurst else {
                return observation
            }
            var burst = observation
            burst.grade = burst.grade.capped(at: .low)
            return burst
        }
    }

    private func observe(_ interface: InterfaceReading, _ situation: Situation) -> Observation? {
        let bands = situation.thresholds.networkErrors
        let errors = interface.receiveErrorsPerSecond + interface.sendErrorsPerSecond
        let drops = interface.receiveDropsPerSecond + interface.sendDropsPerSecond
        let packets = interface.receivedPacketsPerSecond + interface.sentPacketsPerSecond
        let bad = errors + drops
        guard bad > 0 else { return nil }
        // Packets that were dropped on sending are not among those sent.
        let ratio = bad / max(packets + bad, 1)
        let strength = min(bands.strength(of: ratio), bad / Self.leastPerSecond)
        guard strength >= 0.5 else { return nil }
        return Observation(
            key: Episode.Key(
                type: Self.type, entity: Entity(kind: .interface, id: interface.name, name: interface.name),
                label: Self.type.rawValue),
            grade: bands.grade(of: ratio), strength: strength,
            finding: Finding(
                message: Message(
                    .init(
                        summary: "{0} loses {1} % of its packets: {2} errors and {3} drops a second; "
                            + "which process causes it cannot be told from this data",
                        patterns: ["{4} packets a second"],
                        hints: [
                            "Errors point to the cable or the other end, drops to a full ring or queue: ethtool -S {0}"
                        ]),
                    [
                        interface.name, Text.percent(ratio), Text.number(errors), Text.number(drops),
                        Text.number(packets),
                    ]),
                evidence: [
                    situation.evidence("net.loss:\(interface.name)", ratio, "share", bands.low),
                    situation.evidence("net.errors:\(interface.name)", errors, "1/s"),
                    situation.evidence("net.drops:\(interface.name)", drops, "1/s"),
                ]))
    }

    /// The kernel counts retransmits per network namespace, not per interface.
    private func retransmission(_ tcp: TCPReading, _ situation: Situation) -> Observation? {
        let bands = situation.thresholds.retransmits
        let traffic = recent.reduce(into: Traffic()) {
            $0.seconds += $1.seconds
            $0.sent += $1.sent
            $0.retransmitted += $1.retransmitted
        }
        // A SYN that is sent again is no segment of OutSegs' usual traffic when nothing gets through at all.
        let ratio = traffic.retransmitted / max(traffic.sent, traffic.retransmitted, 1)
        let rate = traffic.retransmitted / traffic.seconds
        let strength = min(bands.strength(of: ratio), traffic.retransmitted / Self.leastRetransmits)
        // One burst is over before anybody has read of it.
        guard recent.count(where: { $0.retransmitted > 0 }) >= 2 else { return nil }
        guard strength >= 0.5 else { return nil }
        return Observation(
            key: Episode.Key(type: Self.type, entity: .host, label: "retransmission"),
            grade: bands.grade(of: ratio), strength: strength,
            finding: Finding(
                message: Message(
                    .init(
                        summary: "TCP sends {0} % of its segments again, {1} a second; "
                            + "on which path cannot be told from this data",
                        patterns: ["{2} timeouts and {3} repeated SYNs a second"],
                        hints: ["ss -ti shows which connections retransmit; compare with drops per interface"]),
                    [
                        Text.percent(ratio), Text.number(rate), Text.number(tcp.timeoutsPerSecond),
                        Text.number(tcp.synRetransmitsPerSecond),
                    ]),
                evidence: [
                    Evidence(
                        metric: "tcp.retransmit_ratio", value: ratio, unit: "share", threshold: bands.low,
                        window: traffic.seconds),
                    Evidence(
                        metric: "tcp.retransmits", value: rate, unit: "1/s",
                        threshold: Self.leastRetransmits / traffic.seconds, window: traffic.seconds,
                        baseline: situation.baseline(of: "tcp.retransmits")),
                ]))
    }
}
