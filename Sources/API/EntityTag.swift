/// A strong entity tag: 64 bits of the body, eight bytes a step, so that tagging costs a fraction of writing.
struct EntityTag: Equatable {
    /// With its quotes, as it stands in `ETag`.
    let text: String

    init(_ body: [UInt8]) {
        var hash = UInt64(body.count) ^ 0x9E37_79B9_7F4A_7C15
        body.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                hash = Self.mix(hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            var tail: UInt64 = 0
            while offset < bytes.count {
                tail = tail << 8 | UInt64(bytes[offset])
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
