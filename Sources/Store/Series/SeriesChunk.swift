/// One metric over a window of slots, compressed.
///
/// Numbers are kept to 12 significant bits (within 0.013 %, integers up to 4096 exactly): their bit patterns, which
/// order as the numbers do, are written as differences. Noise of a few percent then takes one byte, a jump by half two,
/// and a value that stays takes none (runs are counted).
struct SeriesChunk: Equatable {
    /// Slots per chunk.
    static let slots = 300

    enum Values: Equatable {
        /// Single seconds: the value alone.
        case plain([NumberSlot])
        case numbers([NumberSlot])
        case histograms([SparseHistogram])

        var count: Int {
            switch self {
            case .plain(let slots), .numbers(let slots): slots.count
            case .histograms(let histograms): histograms.count
            }
        }
    }

    /// Positions (0 ..< 300) that have a value, ascending, and their values.
    private(set) var positions: [Int]
    private(set) var values: Values

    init(positions: [Int], values: Values) {
        self.positions = positions
        self.values = values
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        switch values {
        case .plain: writer.varint(0)
        case .numbers: writer.varint(1)
        case .histograms: writer.varint(2)
        }
        writePositions(to: &writer)
        switch values {
        case .plain(let slots):
            writeFloats(slots.map(\.mean), to: &writer)
        case .numbers(let slots):
            writeFloats(slots.map(\.mean), to: &writer)
            writeFloats(slots.map(\.minimum), to: &writer)
            writeFloats(slots.map(\.maximum), to: &writer)
            writeDeltas(slots.map { Int64($0.count) }, to: &writer)
        case .histograms(let histograms):
            for histogram in histograms { histogram.write(to: &writer) }
        }
        return writer.bytes
    }

    /// `nil` for bytes that no version of this type wrote.
    init?(decoding bytes: UnsafeRawBufferPointer) {
        var reader = ByteReader(bytes)
        let kind = reader.varint()
        positions = Self.readPositions(&reader)
        let count = positions.count
        switch kind {
        case 0: values = .plain(Self.readFloats(count, &reader).map { NumberSlot($0) })
        case 1:
            let means = Self.readFloats(count, &reader)
            let minima = Self.readFloats(count, &reader)
            let maxima = Self.readFloats(count, &reader)
            let counts = Self.readDeltas(count, &reader)
            values = .numbers(
                (0..<count).map {
                    NumberSlot(
                        mean: means[$0], minimum: minima[$0], maximum: maxima[$0],
                        count: UInt32(truncatingIfNeeded: counts[$0]))
                })
        case 2: values = .histograms((0..<count).map { _ in SparseHistogram(from: &reader) })
        default: return nil
        }
        guard !reader.failed else { return nil }
    }

    /// Runs of positions: the gap before each, and its length.
    private func writePositions(to writer: inout ByteWriter) {
        var runs: [(gap: Int, length: Int)] = []
        var next = 0
        for position in positions {
            if position == next, let last = runs.indices.last {
                runs[last].length += 1
            } else {
                runs.append((position - next, 1))
            }
            next = position + 1
        }
        writer.varint(UInt64(runs.count))
        for run in runs {
            writer.varint(UInt64(run.gap))
            writer.varint(UInt64(run.length))
        }
    }

    private static func readPositions(_ reader: inout ByteReader) -> [Int] {
        var positions: [Int] = []
        var next = 0
        for _ in 0..<reader.count(limit: slots) {
            next += reader.count(limit: slots)
            let length = reader.count(limit: slots - min(next, slots))
            positions.append(contentsOf: next..<next + length)
            next += length
        }
        return positions
    }

    private func writeFloats(_ values: [Float], to writer: inout ByteWriter) {
        writeDeltas(values.map(Self.rounded), to: &writer)
    }

    private static func readFloats(_ count: Int, _ reader: inout ByteReader) -> [Float] {
        readDeltas(count, &reader).map { key in
            let magnitude = Float(bitPattern: UInt32(truncatingIfNeeded: key.magnitude) << 12)
            return key < 0 ? -magnitude : magnitude
        }
    }

    /// The upper 20 bits of a float as a number that orders as the float does.
    private static func rounded(_ value: Float) -> Int64 {
        let key = Int64((value.magnitude.bitPattern &+ 0x800) >> 12)
        return value < 0 ? -key : key
    }

    /// Differences; a difference of zero is followed by how many more there are.
    private func writeDeltas(_ values: [Int64], to writer: inout ByteWriter) {
        var last: Int64 = 0
        var index = 0
        while index < values.count {
            let delta = values[index] - last
            last = values[index]
            writer.signed(delta)
            index += 1
            guard delta == 0 else { continue }
            var run = 0
            while index + run < values.count, values[index + run] == last { run += 1 }
            writer.varint(UInt64(run))
            index += run
        }
    }

    private static func readDeltas(_ count: Int, _ reader: inout ByteReader) -> [Int64] {
        var values: [Int64] = []
        values.reserveCapacity(count)
        var last: Int64 = 0
        while values.count < count {
            let delta = reader.signed()
            last &+= delta
            values.append(last)
            guard delta == 0 else { continue }
            let run = reader.count(limit: count - values.count)
            values.append(contentsOf: repeatElement(last, count: run))
        }
        return values
    }
}
