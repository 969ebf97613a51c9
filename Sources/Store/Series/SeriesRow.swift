/// All metrics of one slot, packed into one blob: writing a tick costs one insert.
///
/// Numbers first, in the order of their ids, then histograms; both parts carry their length, so that one metric is found
/// without decoding the others.
struct SeriesRow: Equatable {
    struct Number: Equatable {
        var metric: Int64
        var slot: NumberSlot
    }

    struct Histogram: Equatable {
        var metric: Int64
        var histogram: SparseHistogram
    }

    var numbers: [Number] = []
    var histograms: [Histogram] = []

    /// Sorted by metric. `plain` rows hold single seconds: the value alone.
    func encoded(plain: Bool) -> [UInt8] {
        var writer = ByteWriter()
        writer.sized { writer in
            var last: Int64 = 0
            for number in numbers {
                writer.varint(UInt64(number.metric - last))
                last = number.metric
                writer.float(number.slot.mean)
                guard !plain else { continue }
                writer.float(number.slot.minimum)
                writer.float(number.slot.maximum)
                writer.varint(UInt64(number.slot.count))
            }
        }
        writer.sized { writer in
            var last: Int64 = 0
            for histogram in histograms {
                writer.varint(UInt64(histogram.metric - last))
                last = histogram.metric
                writer.sized { histogram.histogram.write(to: &$0) }
            }
        }
        return writer.bytes
    }

    init() {}

    init(decoding bytes: UnsafeRawBufferPointer, plain: Bool) {
        var reader = ByteReader(bytes)
        var part = reader.sized()
        var metric: Int64 = 0
        while !part.isAtEnd {
            metric &+= Int64(truncatingIfNeeded: part.varint())
            let slot = Self.slot(&part, plain: plain)
            if !part.failed { numbers.append(Number(metric: metric, slot: slot)) }
        }
        part = reader.sized()
        metric = 0
        while !part.isAtEnd {
            metric &+= Int64(truncatingIfNeeded: part.varint())
            var own = part.sized()
            let histogram = SparseHistogram(from: &own)
            if !part.failed, !own.failed { histograms.append(Histogram(metric: metric, histogram: histogram)) }
        }
    }

    /// One number out of a row.
    static func number(_ wanted: Int64, in bytes: UnsafeRawBufferPointer, plain: Bool) -> NumberSlot? {
        var reader = ByteReader(bytes)
        var part = reader.sized()
        var metric: Int64 = 0
        while !part.isAtEnd, metric < wanted {
            metric &+= Int64(truncatingIfNeeded: part.varint())
            let slot = slot(&part, plain: plain)
            if metric == wanted, !part.failed { return slot }
        }
        return nil
    }

    /// One histogram out of a row.
    static func histogram(_ wanted: Int64, in bytes: UnsafeRawBufferPointer) -> SparseHistogram? {
        var reader = ByteReader(bytes)
        _ = reader.sized()
        var part = reader.sized()
        var metric: Int64 = 0
        while !part.isAtEnd, metric < wanted {
            metric &+= Int64(truncatingIfNeeded: part.varint())
            var own = part.sized()
            if metric == wanted, !part.failed { return SparseHistogram(from: &own) }
        }
        return nil
    }

    private static func slot(_ reader: inout ByteReader, plain: Bool) -> NumberSlot {
        let mean = reader.float()
        guard !plain else { return NumberSlot(mean) }
        return NumberSlot(
            mean: mean, minimum: reader.float(), maximum: reader.float(),
            count: UInt32(truncatingIfNeeded: reader.varint()))
    }
}
