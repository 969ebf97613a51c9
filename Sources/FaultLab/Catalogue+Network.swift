extension Catalogue {
    static let network: [Scenario] = [
        Scenario(
            name: "retransmits", about: "One packet in four to a service is lost.",
            victim: .workload("client", 18_701, 20), bystanders: [.workload("echo", 18_701)],
            fault: [.workload("client", 18_701, 5)], faultProps: [.dropping(port: 18_701, oneIn: 4)], seconds: 16,
            expected: [Expected(.networkDegradation, blame: .nobody)], tolerated: [.syscall, .tcpExhaustion]),
        Scenario(
            name: "listen-overflow", about: "A server accepts twenty connections a second, and four hundred knock.",
            victim: .workload("client", 18_702, 200), bystanders: [.workload("deaf", 18_702)],
            fault: [.workload("knock", 18_702, 200)], seconds: 16,
            expected: [Expected(.tcpExhaustion, blame: .nobody)], tolerated: [.syscall, .networkDegradation]),
        Scenario(
            name: "close-wait-leak", about: "A server forgets to close what its clients have closed.",
            victim: .workload("periodic", 10, 500), fault: [.workload("leaky", 18_703, 600)], seconds: 14,
            expected: [Expected(.tcpExhaustion, blame: .on("leaky"))], hurtsVictim: false),
        Scenario(
            name: "syn-backlog", about: "Handshakes from an address that never answers fill a listener's queue.",
            props: [
                .unreachable(address: "127.0.0.9", port: 18_704), .sysctl("net/ipv4/tcp_syncookies", "0"),
                // Half-open connections are given up after three seconds, not sixty.
                .sysctl("net/ipv4/tcp_synack_retries", "1"),
            ], victim: .workload("client", 18_704, 50), bystanders: [.workload("echo", 18_704, 700)],
            fault: [.workload("knock", 18_704, 900, "127.0.0.9")],
            expected: [Expected(.tcpExhaustion, blame: .nobody)], tolerated: [.networkDegradation, .syscall]),
        Scenario(
            name: "syn-cookies", about: "The same, with a shorter queue and cookies.",
            props: [
                .unreachable(address: "127.0.0.9", port: 18_705), .sysctl("net/ipv4/tcp_syncookies", "1"),
                .sysctl("net/ipv4/tcp_synack_retries", "1"),
            ], victim: .workload("client", 18_705, 50), bystanders: [.workload("echo", 18_705, 64)],
            fault: [.workload("knock", 18_705, 400, "127.0.0.9")],
            expected: [Expected(.tcpExhaustion, blame: .nobody)],
            // Who gets a cookie is served.
            hurtsVictim: false, tolerated: [.networkDegradation, .syscall]),
        Scenario(
            name: "port-exhaustion", about: "A client hangs up first until no local port to a service is left.",
            victim: .workload("client", 18_706, 20), bystanders: [.workload("echo", 18_706)],
            fault: [.workload("hasty", 18_706)],
            faultProps: [
                .sysctl("net/ipv4/ip_local_port_range", "50000 51999"), .sysctl("net/ipv4/tcp_tw_reuse", "0"),
            ], seconds: 16,
            expected: [Expected(.tcpExhaustion, .critical, blame: .nobody)], tolerated: [.syscall]),
    ]
}
