/// Takes a query string apart, strictly: what a browser would guess at is an error here.
enum QueryString {
    static let maximumLength = 4096
    static let maximumParameters = 32

    /// Names and values, decoded, in the order they were sent.
    static func parse(_ query: String) throws(Problem) -> [(name: String, value: String)] {
        let bytes = query.utf8
        guard bytes.count <= maximumLength else { throw .queryTooLong() }
        guard !bytes.isEmpty else { return [] }
        var parameters: [(name: String, value: String)] = []
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            guard parameters.count < maximumParameters else {
                throw .malformedQuery("There are more than \(maximumParameters) parameters.")
            }
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = try decode(part[..<(equals ?? part.endIndex)])
            guard !name.isEmpty else { throw .malformedQuery("A parameter has no name; write name=value.") }
            guard let equals else {
                throw .malformedQuery("Parameter \(shortened(name)) has no value; write \(shortened(name))=value.")
            }
            parameters.append((name, try decode(part[part.index(after: equals)...])))
        }
        return parameters
    }

    /// Text that goes into an error message.
    static func shortened(_ text: String) -> String { text.count <= 64 ? text : text.prefix(64) + "…" }

    private static func decode(_ encoded: Substring.UTF8View) throws(Problem) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var rest = encoded[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                    throw .malformedQuery("A % is not followed by two hexadecimal digits; write %25 for a % itself.")
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .malformedQuery("There is a control character in it (%00 to %1F, %7F); no parameter takes one.")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedQuery("A percent-encoded value is not UTF-8.")
        }
        return text
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
