import Glibc

/// An address of either family; those of IPv4 are mapped into IPv6.
struct IPAddress: Hashable {
    /// In the order of the address's bytes.
    private let first: UInt64
    private let second: UInt64

    /// From two words as they lie in memory, in network byte order.
    init(_ words: (UInt64, UInt64)) {
        first = UInt64(bigEndian: words.0)
        second = UInt64(bigEndian: words.1)
    }

    private var isIPv4: Bool { first == 0 && second >> 32 == 0xFFFF }

    /// 127.0.0.0/8 or ::1.
    var isLoopback: Bool { isIPv4 ? second >> 24 & 0xFF == 127 : first == 0 && second == 1 }

    var text: String {
        if isIPv4 { return (0..<4).map { String(second >> (24 - 8 * $0) & 0xFF) }.joined(separator: ".") }
        var bytes = (first.bigEndian, second.bigEndian)
        let text = [CChar](unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer, count in
            count = inet_ntop(AF_INET6, &bytes, buffer.baseAddress, socklen_t(buffer.count)) == nil ? 0 : buffer.count
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// `[fd00::9]` where a port follows.
    var textBeforePort: String { isIPv4 ? text : "[\(text)]" }
}
