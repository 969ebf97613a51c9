import Model

/// Walks through a table of `/proc/net/snmp` or `netstat`: a line of names, then a line of values, both behind the
/// table's label. Columns differ between kernels, so that a value is known by its name alone. Returns whether the table
/// is there.
func forEachColumn(
    of label: StaticString, in bytes: UnsafeRawBufferPointer, _ body: (_ name: Word, _ value: UInt64) -> Void
) -> Bool {
    var file = Scanner(bytes)
    while var names = file.line() {
        guard var values = file.line(), let label1 = names.word(), let label2 = values.word() else { return false }
        guard label ~= label1, label ~= label2 else { continue }
        while let name = names.word(), let value = values.word() {
            // -1 stands for "no limit" and is no counter.
            if let number = value.number { body(name, number) }
        }
        return true
    }
    return false
}

/// `Tcp` of `/proc/net/snmp` and `TcpExt` of `/proc/net/netstat`.
struct TCPSample: Counters {
    struct Basic: Equatable {
        var outSegments: UInt64 = 0
        var retransmits: UInt64 = 0
        var activeOpens: UInt64 = 0
        var passiveOpens: UInt64 = 0
        var attemptFails: UInt64 = 0
        var resetsSent: UInt64 = 0
        /// Connections in ESTABLISHED or CLOSE_WAIT now; no counter.
        var currentlyEstablished: UInt64 = 0

        init?(parsing bytes: UnsafeRawBufferPointer) {
            guard
                forEachColumn(
                    of: "Tcp:", in: bytes,
                    { name, value in
                        switch name {
                        case "OutSegs": outSegments = value
                        case "RetransSegs": retransmits = value
                        case "ActiveOpens": activeOpens = value
                        case "PassiveOpens": passiveOpens = value
                        case "AttemptFails": attemptFails = value
                        case "OutRsts": resetsSent = value
                        case "CurrEstab": currentlyEstablished = value
                        default: break
                        }
                    })
            else { return nil }
        }
    }

    struct Extended: Equatable {
        var listenOverflows: UInt64 = 0
        var listenDrops: UInt64 = 0
        var synRetransmits: UInt64 = 0
        var timeouts: UInt64 = 0
        var synCookies: UInt64 = 0

        init?(parsing bytes: UnsafeRawBufferPointer) {
            guard
                forEachColumn(
                    of: "TcpExt:", in: bytes,
                    { name, value in
                        switch name {
                        case "ListenOverflows": listenOverflows = value
                        case "ListenDrops": listenDrops = value
                        case "TCPSynRetrans": synRetransmits = value
                        case "TCPTimeouts": timeouts = value
                        case "TCPReqQFullDoCookies": synCookies = value
                        default: break
                        }
                    })
            else { return nil }
        }
    }

    var basic: Basic
    var extended: Extended

    func rates(since earlier: TCPSample, seconds: Double) -> TCPReading? {
        var growth = Growth(seconds: seconds)
        var reading = TCPReading()
        reading.seconds = seconds
        reading.outSegmentsPerSecond = growth.perSecond(earlier.basic.outSegments, basic.outSegments)
        reading.retransmitsPerSecond = growth.perSecond(earlier.basic.retransmits, basic.retransmits)
        reading.activeOpensPerSecond = growth.perSecond(earlier.basic.activeOpens, basic.activeOpens)
        reading.passiveOpensPerSecond = growth.perSecond(earlier.basic.passiveOpens, basic.passiveOpens)
        reading.attemptFailsPerSecond = growth.perSecond(earlier.basic.attemptFails, basic.attemptFails)
        reading.resetsSentPerSecond = growth.perSecond(earlier.basic.resetsSent, basic.resetsSent)
        reading.listenOverflowsPerSecond = growth.perSecond(earlier.extended.listenOverflows, extended.listenOverflows)
        reading.listenDropsPerSecond = growth.perSecond(earlier.extended.listenDrops, extended.listenDrops)
        reading.synRetransmitsPerSecond = growth.perSecond(earlier.extended.synRetransmits, extended.synRetransmits)
        reading.timeoutsPerSecond = growth.perSecond(earlier.extended.timeouts, extended.timeouts)
        reading.synCookiesPerSecond = growth.perSecond(earlier.extended.synCookies, extended.synCookies)
        return growth.wentBackwards ? nil : reading
    }
}

struct TCPReader: ~Copyable {
    private var snmp: ProcFile
    private var netstat: ProcFile
    private var cookies: ProcFile
    private var rates = Rates<TCPSample>()

    init(root: String) {
        snmp = ProcFile(root + "/proc/net/snmp")
        netstat = ProcFile(root + "/proc/net/netstat")
        cookies = ProcFile(root + "/proc/sys/net/ipv4/tcp_syncookies")
    }

    mutating func read(_ buffer: inout ReadBuffer, at now: UInt64) throws(ReaderError) -> TCPReading? {
        let sample = TCPSample(
            basic: try snmp.read(&buffer, TCPSample.Basic.init(parsing:)),
            extended: try netstat.read(&buffer, TCPSample.Extended.init(parsing:)))
        guard var reading = rates.next(sample, at: now) else { return nil }
        // With 2 the kernel counts every SYN as one that found the queue full.
        if reading.synCookiesPerSecond > 0, (try? cookies.read(&buffer, { Scanner.number(in: $0) })) == 2 {
            reading.synCookiesPerSecond = 0
        }
        return reading
    }
}
