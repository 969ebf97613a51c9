import Model

/// Queues and tables of TCP that run full. `docs/signals/tcp_exhaustion.md`.
struct TCPExhaustion: Rule {
    static let type = SignalType.tcpExhaustion

    func evaluate(_ situation: Situation) -> Verdict {
        let bands = situation.thresholds
        var verdict = Verdict()
        if let tcp = situation.tick.host.tcp {
            // Every overflow is a drop as well; drops also count what was refused for other reasons.
            let refused = max(tcp.listenOverflowsPerSecond, tcp.listenDropsPerSecond)
            verdict.observations += count(
                "listen_overflow", refused, bands.listenOverflows, "tcp.listen_overflows", "1/s", .critical, situation,
                .init(
                    summary: "Listen queues overflow: {0} connections a second are refused; "
                        + "which listener cannot be told from this data",
                    hints: ["ss -ltn shows the listener whose Recv-Q exceeds its Send-Q: it accepts too slowly"]))
        } else {
            verdict.blindness = "/proc/net/netstat could not be read"
            verdict.blindLabels = ["listen_overflow"]
        }
        guard let sockets = situation.tick.host.sockets else {
            verdict.blindLabels = verdict.blindness == nil ? ["syn_backlog", "time_wait", "close_wait"] : []
            verdict.blindness = verdict.blindness ?? "sockets could not be counted over netlink"
            return verdict
        }
        verdict.observations += count(
            "syn_backlog", Double(sockets.synReceived), bands.synReceived, "tcp.syn_received", "sockets", .critical,
            situation,
            .init(
                summary: "{0} connections hang half open (SYN_RECV); who sends them cannot be told from this data",
                hints: ["A SYN flood or a lossy path to the clients: tcp_syncookies keeps the listeners alive"]))
        // Many of these are normal on a busy server: ports run out only for a client of one address, which the counts by
        // state cannot show.
        verdict.observations += count(
            "time_wait", Double(sockets.timeWait), bands.timeWait, "tcp.time_wait", "sockets", .low, situation,
            .init(
                summary: "{0} connections are in TIME_WAIT; who closed them cannot be told from this data",
                hints: ["Harmless for a server; a client that fails with EADDRNOTAVAIL should keep connections alive"]))
        verdict.observations += count(
            "close_wait", Double(sockets.closeWait), bands.closeWait, "tcp.close_wait", "sockets", .medium, situation,
            .init(
                summary: "{0} connections wait in CLOSE_WAIT for a local process to close them",
                hints: ["ss -tpn state close-wait names the process that leaks them"]))
        return verdict
    }

    private func count(
        _ label: String, _ value: Double, _ bands: Bands, _ metric: String, _ unit: String, _ limit: Severity,
        _ situation: Situation, _ text: Message.Template
    ) -> [Observation] {
        let strength = bands.strength(of: value)
        guard strength >= 0.5 else { return [] }
        return [
            Observation(
                key: Episode.Key(type: Self.type, entity: .host, label: label),
                grade: bands.grade(of: value).capped(at: limit), strength: strength,
                finding: Finding(
                    message: Message(text, [Text.number(value)]),
                    evidence: [situation.evidence(metric, value, unit, bands.low)]))
        ]
    }
}
