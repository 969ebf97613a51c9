import Model
import Testing

@testable import Readers

/// The sources whose counters become rates.
struct CounterTests {
    private func tcp(_ snmp: String, _ netstat: String) throws -> TCPSample {
        TCPSample(
            basic: try #require(parse(snmp, TCPSample.Basic.init(parsing:))),
            extended: try #require(parse(netstat, TCPSample.Extended.init(parsing:))))
    }

    @Test func `TCP counters are found by name wherever they stand`() throws {
        var samples: [TCPSample] = []
        for tree in ["small", "large"] {
            let host = try FakeHost(tree)
            samples.append(
                try tcp(
                    String(decoding: try host.bytes("/proc/net/snmp"), as: UTF8.self),
                    String(decoding: try host.bytes("/proc/net/netstat"), as: UTF8.self)))
        }
        for sample in samples {
            #expect(sample.basic.retransmits == 40)
            #expect(sample.basic.outSegments == 4000)
            #expect(sample.basic.currentlyEstablished == 7)
            #expect(sample.extended.listenOverflows == 11)
            #expect(sample.extended.listenDrops == 12)
            #expect(sample.extended.timeouts == 13)
            #expect(sample.extended.synRetransmits == 14)
        }
    }

    @Test func `a table without the TCP rows is refused`() {
        #expect(parse("Ip: A\nIp: 1\n", TCPSample.Basic.init(parsing:)) == nil)
        #expect(parse("TcpExt: A\nIpExt: 1\n", TCPSample.Extended.init(parsing:)) == nil)
    }

    @Test func `retransmits are per second, and a reset gives none`() throws {
        let names = "Tcp: OutSegs RetransSegs\nTcp: "
        let extended = "TcpExt: ListenOverflows\nTcpExt: 1\n"
        let before = try tcp(names + "100 10\n", extended)
        let reading = try #require(try tcp(names + "300 20\n", extended).rates(since: before, seconds: 2))
        #expect(reading.seconds == 2)
        #expect(reading.outSegmentsPerSecond == 100)
        #expect(reading.retransmitsPerSecond == 5)
        #expect(try tcp(names + "5000 9\n", extended).rates(since: before, seconds: 1) == nil)
    }

    @Test(arguments: [("1", 50.0), ("2", 0)])
    func `SYNs answered with cookies are counted, unless all are`(setting: String, cookies: Double) throws {
        let host = try FakeHost("small")
        func write(_ answered: Int) throws {
            try host.write("/proc/net/netstat", "TcpExt: TCPReqQFullDoCookies\nTcpExt: \(answered)\n")
        }
        try write(1000)
        try host.write("/proc/sys/net/ipv4/tcp_syncookies", setting + "\n")
        var reader = host.reader()
        _ = reader.read()
        host.advance(seconds: 2)
        try write(1100)
        let tcp = try #require(reader.read().tcp)
        #expect(tcp.synCookiesPerSecond == cookies)
    }

    @Test func `pressure is the share of the time that total grew by`() throws {
        func sample(_ cpu: UInt64, _ memory: UInt64) throws -> PressureSample {
            func stall(_ total: UInt64) throws -> PressureSample.Stall {
                try #require(
                    parse(
                        "some avg10=99.00 avg60=0.00 avg300=0.00 total=\(total)\n"
                            + "full avg10=0.00 avg60=0.00 avg300=0.00 total=\(total / 2)\n",
                        PressureSample.Stall.init(parsing:)))
            }
            return PressureSample(cpu: try stall(cpu), memory: try stall(memory), io: try stall(0))
        }
        let reading = try #require(try sample(1_500_000, 9_000_000).rates(since: try sample(500_000, 0), seconds: 2))
        #expect(reading.cpu == .init(some: 0.5, full: 0.25))
        #expect(reading.memory.some == 1)
        #expect(reading.io == .init())
        #expect(try sample(0, 0).rates(since: try sample(1, 0), seconds: 1) == nil)
    }

    @Test func `pressure without a full line, as before kernel 5.13, is read`() {
        let stall = parse("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", PressureSample.Stall.init(parsing:))
        #expect(stall?.some == 7)
        #expect(stall?.full == 0)
    }

    @Test func `allocation stalls are summed over zones, throttling is not a scan`() throws {
        let host = try FakeHost("large")
        let sample = try #require(try host.bytes("/proc/vmstat").withUnsafeBytes { VMSample(parsing: $0) })
        #expect(sample.allocationStalls == 10)
        #expect(sample.directScan == 200)
        #expect(sample.refaults == 700)
        #expect(sample.oomKills == 2)
    }

    @Test func `faults and swapping are per second, OOM kills are counted`() throws {
        func sample(_ text: String) throws -> VMSample { try #require(parse(text, VMSample.init(parsing:))) }
        let before = try sample("pgfault 100\npgmajfault 10\npswpin 0\noom_kill 1\n")
        let after = try sample("pgfault 300\npgmajfault 30\npswpin 8\noom_kill 3\n")
        let reading = try #require(after.rates(since: before, seconds: 2))
        #expect(reading.seconds == 2)
        #expect(reading.faultsPerSecond == 100)
        #expect(reading.majorFaultsPerSecond == 10)
        #expect(reading.swapInPerSecond == 4)
        #expect(reading.oomKills == 2)
        #expect(before.rates(since: after, seconds: 2) == nil)
    }

    @Test func `what is taken at a cgroup's limit is what the counters of the host's own reclaim leave out`() throws {
        func stolen(_ now: String) throws -> Double? {
            func sample(_ text: String) throws -> VMSample {
                try #require(parse("pgfault 0\n" + text, VMSample.init(parsing:)))
            }
            let before = now.replacing(/[0-9]+/, with: "0")
            return try #require(try sample(now).rates(since: try sample(before), seconds: 2)).limitStealPerSecond
        }
        let host = "pgsteal_kswapd 30\npgsteal_direct 20\npgsteal_khugepaged 4\npgsteal_proactive 6\n"
        #expect(try stolen(host + "pgsteal_anon 40\npgsteal_file 220\n") == 100)
        #expect(try stolen(host + "pgsteal_anon 20\npgsteal_file 40\n") == 0)
        #expect(try stolen(host) == nil, "before Linux 5.8")
    }

    @Test func `an interface that starts anew gives no rate, and the others do`() throws {
        func sample(_ text: String) throws -> InterfaceSample {
            try #require(parse(text, InterfaceSample.init(parsing:)))
        }
        let before = try sample("eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n wg:0:9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n")
        let after = try sample(
            "eth0:0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n wg:0:19 10 1 2 0 0 0 0 9 9 3 4 0 0 0 0\nnew:1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
        )
        let readings = try #require(after.rates(since: before, seconds: 1))
        #expect(readings.map(\.name) == ["wg:0"])
        #expect(readings[0].seconds == 1)
        #expect(readings[0].receivedBytesPerSecond == 10)
        #expect(readings[0].receiveErrorsPerSecond == 1)
        #expect(readings[0].receiveDropsPerSecond == 2)
        #expect(readings[0].sendErrorsPerSecond == 3)
        #expect(readings[0].sendDropsPerSecond == 4)
    }
}
