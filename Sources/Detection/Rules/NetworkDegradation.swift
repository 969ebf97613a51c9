import Model

/// Packets that are lost or damaged, per packet. `docs/signals/network_degradation.md`.
struct NetworkDegradation: Rule {
    static let type = SignalType.networkDegradation
    /// A handful a second is no evidence: hosts drop a few unknown frames all the time.
    static let leastPerSecond = 5.0

    func evaluate(_ situation: Situation) -> Verdict {
        let host = situation.tick.host
        var verdict = Verdict()
        if let interfaces = host.interfaces {
            verdict.observations = interfaces.compactMap { observe($0, situation) }
        } else {
            verdict.blindness = "/proc/net/dev could not be read"
            verdict.blindLabels = [Self.type.rawValue]
        }
        if let tcp = host.tcp {
            if let retransmission = retransmission(tcp, situation) { verdict.observations.append(retransmission) }
        } else {
            verdict.blindLabels = verdict.blindness == nil ? ["retransmission"] : []
            verdict.blindness = verdict.blindness ?? "/proc/net/snmp could not be read"
        }
        return verdict
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
        // A SYN that is sent again is no segment of OutSegs' usual traffic when nothing gets through at all.
        let ratio = tcp.retransmitsPerSecond / max(tcp.outSegmentsPerSecond, tcp.retransmitsPerSecond, 1)
        let strength = min(bands.strength(of: ratio), tcp.retransmitsPerSecond / Self.leastPerSecond)
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
                        Text.percent(ratio), Text.number(tcp.retransmitsPerSecond), Text.number(tcp.timeoutsPerSecond),
                        Text.number(tcp.synRetransmitsPerSecond),
                    ]),
                evidence: [
                    situation.evidence("tcp.retransmit_ratio", ratio, "share", bands.low),
                    situation.evidence("tcp.retransmits", tcp.retransmitsPerSecond, "1/s", Self.leastPerSecond),
                ]))
    }
}
