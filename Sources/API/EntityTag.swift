/// A strong entity tag: 64 bits of the body, 32 bytes a step, so that tagging costs a fraction of writing.
struct EntityTag: Equatable {
    /// With its quotes, as it stands in `ETag`.
    let text: String

    init(_ body: [UInt8]) {
        var hash = UInt64(body.count) ^ 0x9E37_79B9_7F4A_7C15
        body.withUnsafeBytes { bytes in
            func word(_ offset: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
            // Four lanes that do not wait for each other's multiplication.
            var (a, b, c, d) = (hash, hash &+ 1, hash &+ 2, hash &+ 3)
            var offset = 0
            while offset + 32 <= bytes.count {
                a = Self.mix(a ^ word(offset))
                b = Self.mix(b ^ word(offset + 8))
                c = Self.mix(c ^ word(offset + 16))
                d = Self.mix(d ^ word(offset + 24))
                offset += 32
            }
            for lane in [a, b, c, d] { hash = Self.mix(hash ^ lane) }
            var tail: UInt64 = 0
            while offset < bytes.count {
                tail = tail << 8 | UInt64(bytes[offset])
                if offset & 7 == 7 { hash = Self.mix(hash ^ tail) }
                offset += 1
            }
            hash = Self.mix(hash ^ tail)
        }
        text = "\"" + String(hash, radix: 16) + "\""
    }

    /// Whether an `If-None-Match` header names this tag. Weak comparison, as RFC 9110 asks: nginx weakens tags when it
    /// compresses.
    func matches(ifNoneMatch header: String) -> Bool {
        header.split(separator: ",").contains { candidate in
            var candidate = candidate.drop { $0 == " " }
            while candidate.last == " " { candidate.removeLast() }
            if candidate.hasPrefix("W/") { candidate = candidate.dropFirst(2) }
            return candidate == text || candidate == "*"
        }
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low ^ value
    }
}
