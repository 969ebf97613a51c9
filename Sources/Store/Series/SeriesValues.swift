import Model

/// One number's slot: the mean over the seconds in which it was measured, and its range.
struct NumberSlot: Equatable, Sendable {
    var mean: Float
    var minimum: Float
    var maximum: Float
    /// Seconds measured.
    var count: UInt32

    /// One second.
    init(_ value: Float) { self.init(mean: value, minimum: value, maximum: value, count: 1) }

    init(mean: Float, minimum: Float, maximum: Float, count: UInt32) {
        self.mean = mean
        self.minimum = minimum
        self.maximum = maximum
        self.count = count
    }
}

/// Adds up slots; in double precision, as an hour has many of them.
struct NumberSum: Sendable {
    private var sum = 0.0
    private(set) var minimum = Float.infinity
    private(set) var maximum = -Float.infinity
    private(set) var count: UInt32 = 0

    mutating func add(_ slot: NumberSlot) {
        sum += Double(slot.mean) * Double(slot.count)
        minimum = min(minimum, slot.minimum)
        maximum = max(maximum, slot.maximum)
        count += slot.count
    }

    var mean: Double { sum / Double(count) }
    var slot: NumberSlot { NumberSlot(mean: Float(mean), minimum: minimum, maximum: maximum, count: count) }
}

/// A histogram without its empty buckets: what is written.
struct SparseHistogram: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var bucket: Int
        var count: UInt64
    }

    var entries: [Entry] = []

    init(_ histogram: LatencyHistogram) {
        for (bucket, count) in histogram.counts.enumerated() where count > 0 {
            entries.append(Entry(bucket: bucket, count: count))
        }
    }

    init(from reader: inout ByteReader) {
        var bucket = 0
        for position in 0..<reader.count(limit: LatencyHistogram.bucketCount) {
            bucket += reader.count(limit: LatencyHistogram.bucketCount) + (position == 0 ? 0 : 1)
            entries.append(Entry(bucket: bucket, count: reader.varint()))
        }
    }

    func write(to writer: inout ByteWriter) {
        writer.varint(UInt64(entries.count))
        var next = 0
        for entry in entries {
            writer.varint(UInt64(entry.bucket - next))
            writer.varint(entry.count)
            next = entry.bucket + 1
        }
    }

    func merge(into histogram: inout LatencyHistogram) {
        for entry in entries { histogram.add(entry.count, toBucket: entry.bucket) }
    }
}
