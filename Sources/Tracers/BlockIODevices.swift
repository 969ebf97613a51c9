import CLibBPF
import Glibc
import Model

/// The map `devices`, read as a whole.
struct BlockIODeviceMap {
    static let words = MemoryLayout<io_device>.stride / 8

    private let descriptor: Int32
    private let room: Int

    /// Disks that are there and hold something, and some that may come: 5 to 64.
    static func suitableRoom() -> Int {
        guard let directory = opendir("/sys/block") else { return 16 }
        defer { closedir(directory) }
        var disks = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name, text)
            guard !name.hasPrefix("."), let file = fopen("/sys/block/\(name)/size", "r") else { continue }
            // An unbound loop device has the size 0.
            if getc(file) != Int32(UInt8(ascii: "0")) { disks += 1 }
            fclose(file)
        }
        return min(max(disks, 1) + 4, 64)
    }

    init(descriptor: Int32, room: Int) {
        self.descriptor = descriptor
        self.room = room
    }

    /// Everything counted since the tracer was attached, by device number; `nil` when the kernel does not say.
    func read() -> [UInt32: [UInt64]]? {
        var keys = [UInt32](repeating: 0, count: room)
        var values = [UInt64](repeating: 0, count: room * Self.words)
        var count = UInt32(room)
        var position: UInt32 = 0
        let result = bpf_map_lookup_batch(descriptor, nil, &position, &keys, &values, &count, nil)
        // The end of the map is reported as "no such entry".
        guard result == 0 || result == -ENOENT else { return nil }
        let pairs = (0..<Int(count)).map { index in
            (keys[index], Array(values[index * Self.words..<(index + 1) * Self.words]))
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// A request that was issued will not be seen to end. For when the hooks are off.
    func leaveQueue(of device: UInt32) {
        var key = device
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.words) { value in
            guard let words = value.baseAddress, bpf_map_lookup_elem(descriptor, &key, words) == 0, words[0] > 0 else {
                return
            }
            // The depth is the first word.
            words[0] -= 1
            bpf_map_update_elem(descriptor, &key, words, UInt64(BPF_EXIST))
        }
    }
}

/// What each device did since it was looked at last.
struct BlockIODevices {
    /// `struct io_device`, in words.
    private enum Word {
        static let depth = 0
        static let arrivals = 1
        static let found = 2
        static let depths = 3..<3 + Int(DEPTH_BUCKETS)
        static func flow(_ operation: BlockOperation) -> Int {
            depths.upperBound + operation.rawValue * (1 + LatencyHistogram.bucketCount)
        }
    }

    private var previous: [UInt32: [UInt64]] = [:]

    /// Takes the counters as they are now. Devices that are gone, and loop and RAM disks, are left out when they did
    /// nothing.
    mutating func advance(to current: [UInt32: [UInt64]]) -> [BlockIOReading.Device] {
        defer { previous = current }
        return current.sorted { $0.key < $1.key }.compactMap { key, now in
            Self.device(key, name: Self.link(key), now: now, before: previous[key])
        }
    }

    private static func device(_ key: UInt32, name: String?, now: [UInt64], before: [UInt64]?) -> BlockIOReading.Device?
    {
        let grown = now.since(before)
        var flows: [BlockOperation: BlockIOReading.Flow] = [:]
        for operation in BlockOperation.allCases {
            let start = Word.flow(operation)
            let latency = LatencyHistogram(counts: grown[start + 1...start + LatencyHistogram.bucketCount])
            let flow = BlockIOReading.Flow(requests: latency.total, bytes: grown[start], latency: latency)
            if flow.requests > 0 || flow.bytes > 0 { flows[operation] = flow }
        }
        let arrivals = grown[Word.arrivals]
        let depth = Int(clamping: now[Word.depth])
        let optional = name == nil || [ramMajor, loopMajor].contains(major(of: key))
        if optional, flows.isEmpty, arrivals == 0, depth == 0 { return nil }
        let deepest = grown[Word.depths].lastIndex { $0 > 0 }.map {
            Int(LatencyHistogram.lowerBound(ofBucket: $0 - Word.depths.lowerBound))
        }
        return BlockIOReading.Device(
            major: major(of: key), minor: minor(of: key), name: name ?? number(key), flows: flows, depth: depth,
            maximumDepth: max(depth, Int(clamping: before?[Word.depth] ?? 0), deepest ?? 0),
            meanDepth: arrivals == 0 ? Double(depth) : Double(grown[Word.found]) / Double(arrivals))
    }

    // MARK: Device numbers

    /// Documentation/admin-guide/devices.txt.
    private static let ramMajor = 1
    private static let loopMajor = 7

    static func major(of key: UInt32) -> Int { Int(key >> 20) }
    static func minor(of key: UInt32) -> Int { Int(key & 0xfffff) }
    private static func number(_ key: UInt32) -> String { "\(major(of: key)):\(minor(of: key))" }

    /// The name in `/proc/diskstats`, or `MAJOR:MINOR` when the device is gone.
    static func name(of key: UInt32) -> String { link(key) ?? number(key) }

    /// The last part of what `/sys/dev/block/MAJOR:MINOR` points to; a `!` there stands for a `/`.
    private static func link(_ key: UInt32) -> String? {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/sys/dev/block/" + number(key), &target, target.count)
        guard length > 0 else { return nil }
        let path = String(decoding: target.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.split(separator: "/").last.map { String($0.map { $0 == "!" ? "/" : $0 }) }
    }
}
