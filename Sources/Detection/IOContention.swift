import Model

/// Whose requests each device served in a tick, as far as the events of slow requests say.
struct ServedRequests: Sendable {
    /// Bytes, with what each request costs.
    private(set) var costs: [DeviceNumber: [ProcessIdentity: Double]] = [:]
    /// The device that each process waited longest for.
    private(set) var slowest: [ProcessIdentity: DeviceNumber] = [:]
    /// Whether every slow request was recorded: of many, the tracer's limit (100 a second) leaves some out.
    let areAll: Bool

    private static let mostRecorded = 50

    init(_ reading: BlockIOReading?) {
        let events = reading?.events ?? []
        areAll = reading != nil && events.count <= Self.mostRecorded
        var waits: [ProcessIdentity: [DeviceNumber: UInt64]] = [:]
        for event in events {
            let device = DeviceNumber(major: event.major, minor: event.minor)
            costs[device, default: [:]][event.task.process, default: 0] +=
                Double(event.bytes) + Contention.bytesPerRequest
            waits[event.task.process, default: [:]][device, default: 0] +=
                event.latencyNanoseconds + event.queuedNanoseconds
        }
        slowest = waits.compactMapValues { $0.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key }
    }
}

/// Who keeps the block devices busy and who waits for them, over all and for each that is one of several.
///
/// Processes are counted over all devices. Where one device does most of the work that is its story as well; where several
/// share it, the events of slow requests say whose each was, and who had slow requests on another device, or none although it
/// submitted some, does not wait for this one.
struct IOContention: Sendable {
    /// Over all devices.
    let host: Contention
    private let devices: [DeviceNumber: Contention]
    private let requests: ServedRequests

    init(
        _ tick: Tick, _ parties: Parties, _ disks: [Disk]?, shortage: Contention?, _ refilling: Refilling,
        own: ProcessIdentity?, knowing: (Contention) -> Contention
    ) {
        let requests = ServedRequests(tick.blockIO)
        func contention(_ suspects: [Suspect], waitsHere: (ProcessActivity) -> Bool = { _ in true }) -> Contention {
            let sufferers = parties.sufferers(from: suspects) { process, _ in
                let blocked = process.scheduling?.blockedNanoseconds ?? 0
                return blocked == 0 || process.identity == own || !waitsHere(process)
                    ? 0 : Double(blocked) / 1e6 / tick.interval
            }
            return knowing(
                Contention(
                    suspects: suspects, sufferers: sufferers, measure: "disk I/O", stall: "blocked on I/O",
                    stallMetric: "process.blocked"))
        }
        let comesBack = Self.comesBack(tick, shortage, refilling)
        host = contention(
            parties.suspects(least: Contention.leastIO, beside: comesBack.values.reduce(0, +)) {
                $0.ioCost(over: tick.interval) - (comesBack[$0.identity] ?? 0)
            })
        let writer = Self.onlyBufferedWriter(tick, parties)
        var devices: [DeviceNumber: Contention] = [:]
        for disk in disks ?? [] where disk.shareOfBytes < Self.most {
            guard var served = requests.costs[disk.number] else { continue }
            let flushed = served.filter { parties.isKernelThread($0.key) }.values.reduce(0, +)
            if let writer { served[writer, default: 0] += flushed }
            let suspects = parties.suspects(beside: writer == nil ? flushed : 0) { served[$0.identity] ?? 0 }
            devices[disk.number] = contention(suspects) { process in
                requests.slowest[process.identity].map { $0 == disk.number }
                    ?? !(requests.areAll && process.submitsRequests)
            }
        }
        self.devices = devices
        self.requests = requests
    }

    /// A device that moves this share of all bytes has the host's I/O to itself.
    private static let most = 0.8

    /// What the victims of a shortage of memory cause by reading once more what they had: it is not theirs, and who takes
    /// their memory does not read for them.
    private static func comesBack(
        _ tick: Tick, _ shortage: Contention?, _ refilling: Refilling
    ) -> [ProcessIdentity: Double] {
        guard shortage != nil || !refilling.isEmpty else { return [:] }
        let returning = Contention.returningShare(of: tick)
        let suffering = Set((shortage?.sufferers ?? []).map(\.process.identity))
        let victims = tick.processes.lazy.filter {
            $0.readsThroughMajorFaults && (suffering.contains($0.identity) || refilling.contains($0.identity))
        }
        return Dictionary(
            victims.map { ($0.identity, returning * $0.readCost(over: tick.interval)) }, uniquingKeysWith: { $1 })
    }

    /// The one process whose pages kernel workers write, if one party alone writes through the page cache: of two, nobody
    /// knows whose pages went to which device.
    private static func onlyBufferedWriter(_ tick: Tick, _ parties: Parties) -> ProcessIdentity? {
        let writers = parties.members.compactMap { positions in
            positions.lazy.map { parties.processes[$0] }.filter { !$0.isKernelThread }
                .map { (process: $0.identity, rate: $0.buffered(tick.interval)) }.max { $0.rate < $1.rate }
        }.filter { $0.rate >= Contention.leastIO }
        return writers.count == 1 ? writers[0].process : nil
    }

    /// One of several devices without a slow request is nobody's to explain.
    subscript(disk: Disk) -> Contention {
        if let known = devices[disk.number] { return known }
        guard disk.shareOfBytes < Self.most else { return host }
        var unknown = host
        unknown.suspects = []
        return unknown
    }

    /// What a process waits for: the device of its slowest requests.
    subscript(waiting process: ProcessIdentity) -> Contention {
        requests.slowest[process].flatMap { devices[$0] } ?? host
    }
}

extension Contention {
    /// Below this many bytes per second, with what the requests cost beside them, nobody is to blame for a slow device.
    static let leastIO = 1_000_000.0
    /// What a request costs beside its bytes: a device that serves 4 KiB at random is as busy as one that streams.
    static let bytesPerRequest = 32_768.0
}

extension ProcessActivity {
    /// Bytes per second that it leaves to kernel workers to write. The two rates are not over the same second, so that what is
    /// less than half of all is none.
    fileprivate func buffered(_ interval: Double) -> Double {
        let written = proc?.writeBytesPerSecond ?? 0
        let rest = written - Double(blockIO?.writeBytes ?? 0) / interval
        return rest >= 0.5 * written ? rest : 0
    }

    /// Whether it has requests of its own, slow or not.
    fileprivate var submitsRequests: Bool { (blockIO?.reads ?? 0) + (blockIO?.writes ?? 0) > 0 }

    /// Bytes per second read and written, with what each request costs. Buffered writes are submitted by kernel workers:
    /// `/proc/PID/io` knows who dirtied the pages.
    func ioCost(over interval: Double) -> Double {
        let written = max(Double(blockIO?.writeBytes ?? 0) / interval, proc?.writeBytesPerSecond ?? 0)
        return readCost(over: interval) + written + Double(blockIO?.writes ?? 0) / interval * Contention.bytesPerRequest
    }

    fileprivate func readCost(over interval: Double) -> Double {
        pagesRead(over: interval) + Double(blockIO?.reads ?? 0) / interval * Contention.bytesPerRequest
    }
}
