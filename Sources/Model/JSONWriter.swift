/// Writes JSON as bytes, once, in the order it is told. The caller keeps the nesting right; commas are the writer's job.
///
///     var json = JSONWriter()
///     json.object {
///         $0.member("status", "healthy")
///         $0.array("signals") { for signal in signals { $0.element(signal) } }
///     }
public struct JSONWriter: Sendable {
    /// What has been written so far: valid UTF-8.
    public private(set) var bytes: [UInt8]
    private var needsComma = false

    /// Starts empty, with room for `capacity` bytes.
    public init(capacity: Int = 1024) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// The text, for columns that hold JSON.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// An object as the root or as an element of an array.
    public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        separate()
        try nest(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// An object as a member.
    public mutating func object(_ name: StaticString, _ body: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        try nest(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// An array as the root or as an element of an array.
    public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        separate()
        try nest(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// An array as a member.
    public mutating func array(_ name: StaticString, _ body: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        try nest(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// A string member.
    public mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    /// A string member, or null.
    public mutating func member(_ name: StaticString, _ value: String?) {
        key(name)
        if let value { string(value) } else { raw("null") }
    }

    /// An integer member. Integers beyond 2^53 stay digits; readers that need them exactly must read them as integers.
    public mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
        key(name)
        integer(value)
    }

    /// A number member; NaN and infinities, which JSON lacks, become null.
    public mutating func member(_ name: StaticString, _ value: Double?) {
        key(name)
        number(value)
    }

    /// A boolean member.
    public mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        raw(value ? "true" : "false")
    }

    /// A member whose value is JSON text already, such as a column that was written by this type.
    public mutating func member(_ name: StaticString, json value: String) {
        key(name)
        bytes.append(contentsOf: value.utf8)
        needsComma = true
    }

    /// An object member named at run time, such as a metric.
    public mutating func member(named name: String, _ value: Double?) {
        separate()
        string(name)
        bytes.append(UInt8(ascii: ":"))
        number(value)
    }

    /// A string member named at run time.
    public mutating func member(named name: String, text: String) {
        separate()
        string(name)
        bytes.append(UInt8(ascii: ":"))
        string(text)
    }

    /// A string element.
    public mutating func element(_ value: String) {
        separate()
        string(value)
    }

    /// An integer element.
    public mutating func element(_ value: some FixedWidthInteger) {
        separate()
        integer(value)
    }

    /// A number element.
    public mutating func element(_ value: Double?) {
        separate()
        number(value)
    }

    /// An element that is JSON text already.
    public mutating func element(json value: String) {
        separate()
        bytes.append(contentsOf: value.utf8)
        needsComma = true
    }

    private mutating func nest(
        _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        bytes.append(open)
        needsComma = false
        try body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func key(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
        needsComma = true
    }

    private mutating func integer(_ value: some FixedWidthInteger) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = UInt64(value.magnitude)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
        needsComma = true
    }

    private mutating func number(_ value: Double?) {
        guard let value, value.isFinite else { return raw("null") }
        if value == value.rounded(), abs(value) < 1e15 {
            integer(Int64(value))
        } else {
            bytes.append(contentsOf: value.description.utf8)
            needsComma = true
        }
    }

    private mutating func string(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { utf8 in
            var start = 0
            for (index, byte) in utf8.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
                escape(byte)
                start = index + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...]))
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x22, 0x5C: bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            let hex: StaticString = "0123456789abcdef"
            bytes.append(contentsOf: [UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0")])
            hex.withUTF8Buffer {
                bytes.append($0[Int(byte >> 4)])
                bytes.append($0[Int(byte & 15)])
            }
        }
    }
}
