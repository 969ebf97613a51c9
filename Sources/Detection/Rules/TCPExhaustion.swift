import Model

/// Queues and tables of TCP that run full. `docs/signals/tcp_exhaustion.md`.
struct TCPExhaustion: Rule {
    static let type = SignalType.tcpExhaustion

    private var closeWaitRise = Rise()

    init() {}

    mutating func evaluate(_ situation: Situation) -> Verdict {
        let host = situation.tick.host
        var verdict = Verdict()
        if let tcp = host.tcp {
            verdict.observations += listenOverflow(tcp, situation)
        } else {
            verdict.blindness = "/proc/net/netstat could not be read"
            verdict.blindLabels = ["listen_overflow"]
        }
        guard let sockets = host.sockets else {
            verdict.blindLabels =
                verdict.blindness == nil ? ["syn_backlog", "local_ports", "time_wait", "close_wait"] : []
            verdict.blindness = verdict.blindness ?? "sockets could not be counted over netlink"
            return verdict
        }
        verdict.observations += synBacklog(sockets, host.tcp, situation)
        verdict.observations += localPorts(sockets, situation)
        verdict.observations += timeWait(sockets, situation)
        verdict.observations += closeWait(sockets, situation)
        return verdict
    }

    private func listenOverflow(_ tcp: TCPReading, _ situation: Situation) -> [Observation] {
        // Every overflow is a drop as well; drops also count what was refused for other reasons.
        let refused = max(tcp.listenOverflowsPerSecond, tcp.listenDropsPerSecond)
        return Measure(refused, situation.thresholds.listenOverflows, "tcp.listen_overflows", "1/s").observed(
            "listen_overflow", situation,
            .init(
                summary: "Listen queues overflow: {0} connections a second are refused; "
                    + "which listener cannot be told from this data",
                hints: ["ss -ltn shows the listener whose Recv-Q exceeds its Send-Q: it accepts too slowly"]))
    }

    /// Half-open connections, or SYNs that find no place among them any more: whichever is worse.
    private func synBacklog(_ sockets: SocketReading, _ tcp: TCPReading?, _ situation: Situation) -> [Observation] {
        let bands = situation.thresholds
        let waiting = Measure(
            Double(sockets.synReceived), situation.adapted(bands.synReceived, to: "tcp.syn_received", least: 1),
            "tcp.syn_received", "sockets"
        ).observed(
            "syn_backlog", situation,
            .init(
                summary: "{0} connections hang half open (SYN_RECV); who sends them cannot be told from this data",
                hints: ["A SYN flood or a lossy path to the clients: tcp_syncookies keeps the listeners alive"]))
        // The connections come about all the same.
        let answered = Measure(
            tcp?.synCookiesPerSecond ?? 0, bands.synCookies, "tcp.syn_cookies", "1/s", atMost: .medium
        ).observed(
            "syn_backlog", situation,
            .init(
                summary: "The SYN queue of a listener is full: {0} SYNs a second are answered with cookies; "
                    + "who sends them cannot be told from this data",
                hints: [
                    "Cookies keep the listener alive, with fewer TCP options; if the clients are real, raise its backlog "
                        + "and net.core.somaxconn"
                ]))
        return (waiting + answered).max {
            $0.grade < $1.grade || !($1.grade < $0.grade) && $0.strength < $1.strength
        }.map { [$0] } ?? []
    }

    /// A resource that runs out for whoever connects next, so that no victim is needed.
    private func localPorts(_ sockets: SocketReading, _ situation: Situation) -> [Observation] {
        guard let ports = sockets.localPorts else { return [] }
        return Measure(ports.share, situation.thresholds.localPorts, "tcp.local_ports", "share").observed(
            "local_ports", situation,
            .init(
                summary:
                    "{2} of {3} local ports from {0} to {1} are in use, {4} of them in TIME_WAIT: with the last one, "
                    + "connect() fails; which process used them cannot be told from this data",
                hints: [
                    "Keep connections to {1} open and use them again; a wider net.ipv4.ip_local_port_range gives more "
                        + "ports, net.ipv4.tcp_tw_reuse=1 gives those in TIME_WAIT back after a second"
                ]),
            [ports.source, ports.destination] + [ports.taken, ports.range, ports.timeWait].map(String.init))
    }

    /// Many of these are normal on a busy server: what runs out are ports, and those are counted on their own.
    private func timeWait(_ sockets: SocketReading, _ situation: Situation) -> [Observation] {
        Measure(
            Double(sockets.timeWait), situation.adapted(situation.thresholds.timeWait, to: "tcp.time_wait", least: 1),
            "tcp.time_wait", "sockets", atMost: .low
        ).observed(
            "time_wait", situation,
            .init(
                summary: "{0} connections are in TIME_WAIT; who closed them cannot be told from this data",
                hints: ["Harmless for a server; a client that fails with EADDRNOTAVAIL should keep connections alive"]))
    }

    /// How bad it is depends on how many have come of late: those that were always there are low.
    private mutating func closeWait(_ sockets: SocketReading, _ situation: Situation) -> [Observation] {
        let count = Double(sockets.closeWait)
        let bands = situation.adapted(situation.thresholds.closeWait, to: "tcp.close_wait", least: 1)
        let come = closeWaitRise.above(count, at: situation.tick.uptime)
        let measure = Measure(
            count, bands, "tcp.close_wait", "sockets", atMost: bands.severity(of: come).map { min($0, .medium) } ?? .low
        )
        let pattern = "{1} more than at the least of the last ten minutes"
        let values = [Text.number(count), Text.number(come)]
        guard let owner = sockets.closeWaitOwner, owner.share >= Parties.leastShare else {
            return measure.observed(
                "close_wait", situation,
                .init(
                    summary: "{0} connections wait in CLOSE_WAIT for a local process to close them; "
                        + "which one cannot be told from this data", patterns: [pattern],
                    hints: ["ss -tpn state close-wait names the process that leaks them"]), values)
        }
        let culprit = Culprit(
            process: owner.identity, comm: owner.comm, cgroup: owner.cgroup, share: owner.share,
            measure: "sockets in CLOSE_WAIT")
        return measure.observed(
            "close_wait", situation,
            .init(
                summary: "{2} (pid {3}) does not close what its peers have closed: it has {4} % "
                    + "of {0} connections in CLOSE_WAIT", patterns: [pattern],
                hints: [
                    "Each keeps one of its descriptors; a restart of {2} frees them, ss -tpn state close-wait shows the peers"
                ]),
            values + [owner.comm, String(owner.identity.pid), Text.percent(owner.share)], culprits: [culprit])
    }
}

/// A number and what it is held against.
private struct Measure {
    let value: Double
    let bands: Bands
    let metric: String
    let unit: String
    let limit: Severity

    init(_ value: Double, _ bands: Bands, _ metric: String, _ unit: String, atMost limit: Severity = .critical) {
        self.value = value
        self.bands = bands
        self.metric = metric
        self.unit = unit
        self.limit = limit
    }

    /// - Parameter values: what the text needs; the number alone if there are none.
    func observed(
        _ label: String, _ situation: Situation, _ text: Message.Template, _ values: [String] = [],
        culprits: [Culprit] = []
    ) -> [Observation] {
        let strength = bands.strength(of: value)
        guard strength >= 0.5 else { return [] }
        return [
            Observation(
                key: Episode.Key(type: TCPExhaustion.type, entity: .host, label: label),
                grade: bands.grade(of: value).capped(at: limit), strength: strength,
                finding: Finding(
                    message: Message(text, values.isEmpty ? [Text.number(value)] : values),
                    evidence: [situation.evidence(metric, value, unit, bands.low)], culprits: culprits))
        ]
    }
}
