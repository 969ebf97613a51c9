import Model

/// `/proc/net/dev` as it stands, of the network namespace that the collector runs in.
struct InterfaceSample: Counters {
    struct Interface: Equatable {
        var receivedBytes: UInt64
        var receivedPackets: UInt64
        var receiveErrors: UInt64
        var receiveDrops: UInt64
        var sentBytes: UInt64
        var sentPackets: UInt64
        var sendErrors: UInt64
        var sendDrops: UInt64
    }

    var interfaces: [String: Interface] = [:]

    init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        while var line = file.line() {
            // The counters hold no colon; a name may, on kernels before 4.15.
            guard let label = line.word(upToLast: UInt8(ascii: ":")) else { continue }
            var scanner = Scanner(label.bytes)
            guard let name = scanner.word(), let interface = Interface(parsing: &line) else { return nil }
            interfaces[name.text] = interface
        }
    }

    /// By name.
    func rates(since earlier: InterfaceSample, seconds: Double) -> [InterfaceReading]? {
        interfaces.compactMap { name, interface in
            earlier.interfaces[name].flatMap { interface.rates(since: $0, name: name, seconds: seconds) }
        }
        .sorted { $0.name < $1.name }
    }
}

extension InterfaceSample.Interface {
    init?(parsing line: inout Scanner) {
        guard let receivedBytes = line.number(), let receivedPackets = line.number(),
            let receiveErrors = line.number(), let receiveDrops = line.number(),
            // fifo, frame, compressed, multicast
            line.number() != nil, line.number() != nil, line.number() != nil, line.number() != nil,
            let sentBytes = line.number(), let sentPackets = line.number(), let sendErrors = line.number(),
            let sendDrops = line.number()
        else { return nil }
        self.init(
            receivedBytes: receivedBytes, receivedPackets: receivedPackets, receiveErrors: receiveErrors,
            receiveDrops: receiveDrops, sentBytes: sentBytes, sentPackets: sentPackets, sendErrors: sendErrors,
            sendDrops: sendDrops)
    }

    func rates(since earlier: Self, name: String, seconds: Double) -> InterfaceReading? {
        var growth = Growth(seconds: seconds)
        var reading = InterfaceReading(name: name)
        reading.seconds = seconds
        reading.receivedBytesPerSecond = growth.perSecond(earlier.receivedBytes, receivedBytes)
        reading.sentBytesPerSecond = growth.perSecond(earlier.sentBytes, sentBytes)
        reading.receivedPacketsPerSecond = growth.perSecond(earlier.receivedPackets, receivedPackets)
        reading.sentPacketsPerSecond = growth.perSecond(earlier.sentPackets, sentPackets)
        reading.receiveErrorsPerSecond = growth.perSecond(earlier.receiveErrors, receiveErrors)
        reading.sendErrorsPerSecond = growth.perSecond(earlier.sendErrors, sendErrors)
        reading.receiveDropsPerSecond = growth.perSecond(earlier.receiveDrops, receiveDrops)
        reading.sendDropsPerSecond = growth.perSecond(earlier.sendDrops, sendDrops)
        return growth.wentBackwards ? nil : reading
    }
}

struct InterfaceReader: ~Copyable {
    private var file: ProcFile
    private var rates = Rates<InterfaceSample>()

    init(root: String) { file = ProcFile(root + "/proc/net/dev") }

    mutating func read(_ buffer: inout ReadBuffer, at now: UInt64) throws(ReaderError) -> [InterfaceReading]? {
        rates.next(try file.read(&buffer, InterfaceSample.init(parsing:)), at: now)
    }
}
