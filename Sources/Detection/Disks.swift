import Model

/// A block device as the kernel numbers it.
struct DeviceNumber: Hashable, Comparable, Sendable {
    var major: Int
    var minor: Int

    static func < (one: Self, other: Self) -> Bool { (one.major, one.minor) < (other.major, other.minor) }
}

/// One block device in one tick, from `/proc/diskstats` and the tracer together.
struct Disk: Sendable {
    var name: String
    var major: Int
    var minor: Int
    /// Share of the tick with a request in flight; `nil` without `/proc/diskstats`.
    var busy: Double?
    /// Mean requests in the queue.
    var depth: Double
    /// What a request takes in milliseconds; `nil` when idle. The p95 of reads and writes from issue to completion by the
    /// tracer, or the mean of the slower of both, waiting in the I/O scheduler included, if that is more (or all there is).
    var latency: Double?
    var hasHistogram: Bool
    var bytesPerSecond: Double
    var isStacked: Bool
    /// Its part of what all devices moved (0–1).
    var shareOfBytes: Double

    var number: DeviceNumber { DeviceNumber(major: major, minor: minor) }
    var entity: Entity { Entity(kind: .device, id: "\(major):\(minor)", name: name) }

    /// All devices of a tick in a fixed order, or `nil` when neither source ran.
    static func all(in tick: Tick) -> [Disk]? {
        let traced = tick.blockIO.map { reading in
            Dictionary(
                reading.devices.map { (DeviceNumber(major: $0.major, minor: $0.minor), $0) }, uniquingKeysWith: { $1 })
        }
        var disks: [Disk]
        if let readings = tick.host.disks {
            disks = readings.map { Disk($0, traced: traced?[DeviceNumber(major: $0.major, minor: $0.minor)]) }
        } else if let reading = tick.blockIO {
            disks = reading.devices.map { Disk($0, interval: tick.interval) }
        } else {
            return nil
        }
        disks.sort { ($0.major, $0.minor) < ($1.major, $1.minor) }
        // What a stacked device moves, the ones below it move again.
        let total = disks.reduce(0) { $0 + ($1.isStacked ? 0 : $1.bytesPerSecond) }
        for index in disks.indices where total > 0 {
            disks[index].shareOfBytes = min(1, disks[index].bytesPerSecond / total)
        }
        return disks
    }

    private init(_ reading: DiskReading, traced: BlockIOReading.Device?) {
        let histogram = traced.map(Self.latencies) ?? LatencyHistogram()
        name = reading.name
        major = reading.major
        minor = reading.minor
        busy = reading.busy
        depth = reading.queueDepth
        let mean = [reading.readMilliseconds, reading.writeMilliseconds].compactMap(\.self).max()
        let p95 = histogram.percentile(95).map { Double($0) / 1e6 }
        latency = max(p95 ?? 0, mean ?? 0) > 0 ? max(p95 ?? 0, mean ?? 0) : nil
        hasHistogram = p95.map { $0 >= mean ?? 0 } ?? false
        bytesPerSecond = reading.readBytesPerSecond + reading.writeBytesPerSecond
        isStacked = reading.isStacked
        shareOfBytes = 1
    }

    private init(_ device: BlockIOReading.Device, interval: Double) {
        name = device.name
        major = device.major
        minor = device.minor
        busy = nil
        depth = device.meanDepth
        latency = Self.latencies(device).percentile(95).map { Double($0) / 1e6 }
        hasHistogram = latency != nil
        bytesPerSecond = device.flows.values.reduce(0) { $0 + Double($1.bytes) } / interval
        // The tracer sees requests, and stacked devices pass on bios; a loop device is the one that has both.
        isStacked = device.name.hasPrefix("loop")
        shareOfBytes = 1
    }

    /// Reads and writes; a flush waits for everything before it by design, a discard for nobody.
    private static func latencies(_ device: BlockIOReading.Device) -> LatencyHistogram {
        var histogram = device.flows[.read]?.latency ?? LatencyHistogram()
        if let writes = device.flows[.write]?.latency { histogram.merge(writes) }
        return histogram
    }
}
