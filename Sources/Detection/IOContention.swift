import Model

/// Whose requests each device served in a tick, as far as the events of slow requests say.
struct ServedRequests: Sendable {
    struct Share: Sendable {
        /// Bytes, with what each request costs.
        var cost = 0.0
        var nanoseconds: UInt64 = 0
    }

    private(set) var devices: [DeviceNumber: [ProcessIdentity: Share]] = [:]

    init(_ reading: BlockIOReading?) {
        for event in reading?.events ?? [] {
            let device = DeviceNumber(major: event.major, minor: event.minor)
            var share = devices[device]?[event.task.process] ?? Share()
            share.cost += Double(event.bytes) + Contention.bytesPerRequest
            share.nanoseconds += event.latencyNanoseconds + event.queuedNanoseconds
            devices[device, default: [:]][event.task.process] = share
        }
    }

    /// The device that a process waited longest for, or `nil` if it had no slow request.
    func slowest(of process: ProcessIdentity) -> DeviceNumber? {
        devices.compactMap { device, shares in shares[process].map { (device, $0.nanoseconds) } }
            .max { ($0.1, $1.0) < ($1.1, $0.0) }?.0
    }
}

/// Who keeps the block devices busy and who waits for them, over all and for each that is one of several.
///
/// Processes are counted over all devices. Where one device does most of the work that is its story as well; where several
/// share it, the events of slow requests say whose each was, and a process without any on a device neither fills it nor
/// waits for it.
struct IOContention: Sendable {
    /// Over all devices.
    let host: Contention
    private let devices: [DeviceNumber: Contention]
    private let requests: ServedRequests

    init(
        _ tick: Tick, _ parties: Parties, _ disks: [Disk]?, own: ProcessIdentity?,
        knowing: (Contention) -> Contention
    ) {
        let requests = ServedRequests(tick.blockIO)
        func contention(_ suspects: [Suspect], waitsHere: (ProcessIdentity) -> Bool) -> Contention {
            let sufferers = parties.sufferers(from: suspects) { process, _ in
                process.identity == own || !waitsHere(process.identity)
                    ? 0 : Double(process.scheduling?.blockedNanoseconds ?? 0) / 1e6 / tick.interval
            }
            return knowing(
                Contention(
                    suspects: suspects, sufferers: sufferers, measure: "disk I/O", stall: "blocked on I/O",
                    stallMetric: "process.blocked"))
        }
        host = contention(parties.suspects(least: Contention.leastIO) { $0.ioCost(over: tick.interval) }) { _ in true }
        var devices: [DeviceNumber: Contention] = [:]
        let writer = Self.onlyBufferedWriter(tick, parties)
        for disk in disks ?? [] where disk.shareOfBytes < Self.most && disk.latency != nil {
            var served = (requests.devices[disk.number] ?? [:]).mapValues(\.cost)
            let flushed = served.filter { parties.isKernelThread($0.key) }.values.reduce(0, +)
            if let writer { served[writer, default: 0] += flushed }
            let suspects = parties.suspects(beside: writer == nil ? flushed : 0) { served[$0.identity] ?? 0 }
            devices[disk.number] = contention(suspects) {
                requests.slowest(of: $0).map { $0 == disk.number } ?? true
            }
        }
        self.devices = devices
        self.requests = requests
    }

    /// A device that moves this share of all bytes has the host's I/O to itself.
    private static let most = 0.8

    /// The one process whose pages kernel workers write, if one party alone writes through the page cache: of two, nobody
    /// knows whose pages went to which device.
    private static func onlyBufferedWriter(_ tick: Tick, _ parties: Parties) -> ProcessIdentity? {
        let writers = parties.members.compactMap { positions in
            positions.lazy.map { parties.processes[$0] }.filter { !$0.isKernelThread }
                .map { (process: $0.identity, rate: $0.buffered(tick.interval)) }.max { $0.rate < $1.rate }
        }.filter { $0.rate >= Contention.leastIO }
        return writers.count == 1 ? writers[0].process : nil
    }

    subscript(disk: Disk) -> Contention { devices[disk.number] ?? host }

    /// What a process waits for: the device of its slowest requests.
    subscript(waiting process: ProcessIdentity) -> Contention {
        requests.slowest(of: process).flatMap { devices[$0] } ?? host
    }
}

extension Contention {
    /// Below this many bytes per second, with what the requests cost beside them, nobody is to blame for a slow device.
    static let leastIO = 1_000_000.0
    /// What a request costs beside its bytes: a device that serves 4 KiB at random is as busy as one that streams.
    static let bytesPerRequest = 32_768.0
}

extension ProcessActivity {
    /// Bytes per second that it leaves to kernel workers to write.
    fileprivate func buffered(_ interval: Double) -> Double {
        (proc?.writeBytesPerSecond ?? 0) - Double(blockIO?.writeBytes ?? 0) / interval
    }

    /// Bytes per second read and written, with what each request costs. Buffered writes are submitted by kernel workers:
    /// `/proc/PID/io` knows who dirtied the pages.
    func ioCost(over interval: Double) -> Double {
        let requests = Double((blockIO?.reads ?? 0) + (blockIO?.writes ?? 0)) / interval
        let read = max(Double(blockIO?.readBytes ?? 0) / interval, proc?.readBytesPerSecond ?? 0)
        let written = max(Double(blockIO?.writeBytes ?? 0) / interval, proc?.writeBytesPerSecond ?? 0)
        return read + written + requests * Contention.bytesPerRequest
    }
}
