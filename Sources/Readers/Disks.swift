import Glibc
import Model

/// `/proc/diskstats` as it stands, partitions included.
struct DiskSample: Counters {
    struct Number: Hashable {
        var major: Int
        var minor: Int
    }

    struct Device: Equatable {
        var name: String
        var reads: UInt64
        var readSectors: UInt64
        var readMilliseconds: UInt64
        var writes: UInt64
        var writeSectors: UInt64
        var writeMilliseconds: UInt64
        var inFlight: Int
        var busyMilliseconds: UInt64
        var queuedMilliseconds: UInt64
        var isStacked = false
    }

    var devices: [Number: Device] = [:]

    init?(parsing bytes: UnsafeRawBufferPointer) {
        var file = Scanner(bytes)
        while var line = file.line() {
            guard let major = line.count() else { continue }
            guard let minor = line.count(), let name = line.word(), let device = Device(name: name.text, parsing: &line)
            else { return nil }
            devices[Number(major: major, minor: minor)] = device
        }
    }

    /// A device with another name under the same number is another device. In number order.
    func rates(since earlier: DiskSample, seconds: Double) -> [DiskReading]? {
        devices.compactMap { number, device in
            guard let before = earlier.devices[number], before.name == device.name,
                let reading = device.rates(since: before, number: number, seconds: seconds)
            else { return nil }
            return reading.isIdle && device.isMadeUp ? nil : reading
        }
        .sorted { ($0.major, $0.minor) < ($1.major, $1.minor) }
    }
}

extension DiskSample.Device {
    /// Columns 4 to 14 of `Documentation/admin-guide/iostats.rst`; kernels since 4.18 add more.
    init?(name: String, parsing line: inout Scanner) {
        guard let reads = line.number(), line.number() != nil, let readSectors = line.number(),
            let readMilliseconds = line.number(), let writes = line.number(), line.number() != nil,
            let writeSectors = line.number(), let writeMilliseconds = line.number(), let inFlight = line.count(),
            let busyMilliseconds = line.number(), let queuedMilliseconds = line.number()
        else { return nil }
        self.init(
            name: name, reads: reads, readSectors: readSectors, readMilliseconds: readMilliseconds, writes: writes,
            writeSectors: writeSectors, writeMilliseconds: writeMilliseconds, inFlight: inFlight,
            busyMilliseconds: busyMilliseconds, queuedMilliseconds: queuedMilliseconds)
    }

    /// The kernel makes these by the dozen whether anybody uses them or not.
    var isMadeUp: Bool { name.hasPrefix("loop") || name.hasPrefix("ram") || name.hasPrefix("zram") }

    /// The millisecond columns are 32 bits wide and wrap, after 49 days of work at the earliest: `nil` for that tick.
    func rates(since earlier: Self, number: DiskSample.Number, seconds: Double) -> DiskReading? {
        var growth = Growth(seconds: seconds)
        let reads = growth.count(earlier.reads, reads)
        let writes = growth.count(earlier.writes, writes)
        let readMilliseconds = Double(growth.count(earlier.readMilliseconds, readMilliseconds))
        let writeMilliseconds = Double(growth.count(earlier.writeMilliseconds, writeMilliseconds))
        var reading = DiskReading(name: name, major: number.major, minor: number.minor)
        reading.seconds = seconds
        reading.isStacked = isStacked
        reading.readsPerSecond = Double(reads) / seconds
        reading.writesPerSecond = Double(writes) / seconds
        // A sector is 512 bytes here, whatever the device's is.
        reading.readBytesPerSecond = growth.perSecond(earlier.readSectors, readSectors) * 512
        reading.writeBytesPerSecond = growth.perSecond(earlier.writeSectors, writeSectors) * 512
        reading.readMilliseconds = reads > 0 ? readMilliseconds / Double(reads) : nil
        reading.writeMilliseconds = writes > 0 ? writeMilliseconds / Double(writes) : nil
        reading.busy = min(1, growth.perSecond(earlier.busyMilliseconds, busyMilliseconds) / 1000)
        reading.queueDepth = growth.perSecond(earlier.queuedMilliseconds, queuedMilliseconds) / 1000
        reading.inFlight = inFlight
        return growth.wentBackwards ? nil : reading
    }
}

extension DiskReading {
    fileprivate var isIdle: Bool { readsPerSecond == 0 && writesPerSecond == 0 && busy == 0 && inFlight == 0 }
}

struct DiskReader: ~Copyable {
    private let root: String
    private var file: ProcFile
    private var rates = Rates<DiskSample>()
    /// What a device is, asked of /sys once for each.
    private var kinds: [DiskSample.Number: Kind] = [:]

    private enum Kind { case whole, partition, stacked }

    init(root: String) {
        self.root = root
        file = ProcFile(root + "/proc/diskstats")
    }

    mutating func read(_ buffer: inout ReadBuffer, at now: UInt64) throws(ReaderError) -> [DiskReading]? {
        var sample = try file.read(&buffer, DiskSample.init(parsing:))
        kinds = kinds.filter { sample.devices[$0.key] != nil }
        for (number, device) in sample.devices {
            switch kind(of: number, device) {
            case .whole: break
            case .partition: sample.devices[number] = nil
            case .stacked: sample.devices[number]?.isStacked = true
            }
        }
        return rates.next(sample, at: now)
    }

    private mutating func kind(of number: DiskSample.Number, _ device: DiskSample.Device) -> Kind {
        if let known = kinds[number] { return known }
        let path = "\(root)/sys/dev/block/\(number.major):\(number.minor)"
        let kind: Kind =
            if access("\(path)/partition", F_OK) == 0 {
                .partition
            } else if device.name.hasPrefix("loop") || Self.hasEntries("\(path)/slaves") {
                .stacked
            } else {
                .whole
            }
        kinds[number] = kind
        return kind
    }

    private static func hasEntries(_ path: String) -> Bool {
        guard let directory = opendir(path) else { return false }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            // Names that start with a dot are the directory itself and the one above.
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { return true }
        }
        return false
    }
}
