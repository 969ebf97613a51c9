/// Appends numbers in the fewest bytes: seven bits each, lowest first (LEB128).
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Small numbers of either sign are small: 0, -1, 1, -2 become 0, 1, 2, 3.
    mutating func signed(_ value: Int64) { varint(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    mutating func float(_ value: Float) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// What `body` writes, after its length, so that a reader can skip it.
    mutating func sized(_ body: (inout ByteWriter) -> Void) {
        var inner = ByteWriter()
        body(&inner)
        varint(UInt64(inner.bytes.count))
        bytes.append(contentsOf: inner.bytes)
    }
}

/// Reads what `ByteWriter` wrote. Past the end everything is 0 and `failed` is set: a damaged blob is no reason to stop.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private(set) var failed = false

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { index >= bytes.count || failed }

    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count, shift < 64 {
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        failed = true
        return 0
    }

    /// A number that is used as a count or an index, at most `limit`.
    mutating func count(limit: Int) -> Int {
        let value = varint()
        guard value <= UInt64(limit) else {
            failed = true
            return 0
        }
        return Int(value)
    }

    mutating func signed() -> Int64 {
        let value = varint()
        return Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
    }

    mutating func float() -> Float {
        guard bytes.count - index >= 4 else {
            failed = true
            return 0
        }
        let pattern = bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)
        index += 4
        return Float(bitPattern: UInt32(littleEndian: pattern))
    }

    mutating func skip(_ count: Int) {
        guard count <= bytes.count - index else {
            failed = true
            return
        }
        index += count
    }

    /// A part with its length before it.
    mutating func sized() -> ByteReader {
        let length = count(limit: bytes.count - index)
        let part = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[index..<(failed ? index : index + length)]))
        skip(length)
        return part
    }
}
