import Glibc

/// Writes JSON as bytes, once, in the order it is told. The caller keeps the nesting right; commas are the writer's job.
///
///     var json = JSONWriter()
///     json.object {
///         $0.member("status", "healthy")
///         $0.array("signals") { for signal in signals { $0.element(signal) } }
///     }
public struct JSONWriter: Sendable {
    /// What has been written, and zeros where nothing has been yet: a piece goes into them at one stroke, where appending
    /// would look at the array for each of its parts.
    private var buffer: [UInt8]
    private var count = 0
    private var needsComma = false

    /// Starts empty, with room for `capacity` bytes.
    public init(capacity: Int = 1024) { buffer = Array(repeating: 0, count: capacity) }

    /// What has been written so far: valid UTF-8.
    public var bytes: [UInt8] { Array(buffer[..<count]) }

    /// The text, for columns that hold JSON.
    public var text: String { String(decoding: buffer[..<count], as: UTF8.self) }

    /// Lends what has been written so far, without a copy.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    /// Starts anew, and keeps the room.
    public mutating func removeAll() {
        count = 0
        needsComma = false
    }

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
    @inlinable public mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
        key(name)
        integer(isNegative: value < 0, UInt64(value.magnitude))
    }

    /// A time member, as RFC 3339.
    public mutating func member(_ name: StaticString, rfc3339 time: Timestamp) {
        key(name)
        write(atMost: 26) { room in
            room[0] = UInt8(ascii: "\"")
            time.writeRFC3339(to: UnsafeMutableBufferPointer(rebasing: room[1...]))
            room[25] = UInt8(ascii: "\"")
            return 26
        }
        needsComma = true
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
        text(value)
    }

    /// An object member named at run time, such as a metric.
    public mutating func member(named name: String, _ value: Double?) {
        separate()
        string(name)
        byte(UInt8(ascii: ":"))
        number(value)
    }

    /// A string member named at run time.
    public mutating func member(named name: String, text: String) {
        separate()
        string(name)
        byte(UInt8(ascii: ":"))
        string(text)
    }

    /// A string element.
    public mutating func element(_ value: String) {
        separate()
        string(value)
    }

    /// An integer element.
    @inlinable public mutating func element(_ value: some FixedWidthInteger) {
        separate()
        integer(isNegative: value < 0, UInt64(value.magnitude))
    }

    /// A number element.
    public mutating func element(_ value: Double?) {
        separate()
        number(value)
    }

    /// A number element with at most so many significant digits (1–9), rounded to the nearest.
    public mutating func element(_ value: Double, significantDigits digits: Int) {
        separate()
        number(value, significantDigits: digits)
    }

    /// An element that is JSON text already.
    public mutating func element(json value: String) {
        separate()
        text(value)
    }

    /// A string member that `pieces` puts together.
    public mutating func member(_ name: StaticString, pieces: (inout JSONWriter) throws -> Void) rethrows {
        key(name)
        byte(UInt8(ascii: "\""))
        try pieces(&self)
        byte(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A piece of a string, which stands inside quotes as it is: valid UTF-8, escaped.
    public mutating func piece(escaped bytes: UnsafeRawBufferPointer) {
        bytes.withMemoryRebound(to: UInt8.self) { bytes in
            write(atMost: bytes.count) { Self.copy(bytes, to: $0, at: 0) }
        }
    }

    /// A piece of a string.
    public mutating func piece(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in write(atMost: 6 * utf8.count) { Self.write(utf8, to: $0, at: 0) } }
    }

    /// A number as a piece of a string.
    public mutating func piece(_ number: Int) { integer(isNegative: number < 0, UInt64(number.magnitude)) }

    private mutating func nest(
        _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        byte(open)
        needsComma = false
        try body(&self)
        byte(close)
        needsComma = true
    }

    /// Lends `body` room for so many bytes, and takes as many as it says it has written.
    @inline(__always)
    private mutating func write(atMost size: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
        if buffer.count - count < size {
            buffer.append(contentsOf: repeatElement(0, count: max(size, buffer.count)))
        }
        count += buffer.withUnsafeMutableBufferPointer { body(UnsafeMutableBufferPointer(rebasing: $0[count...])) }
    }

    private mutating func byte(_ byte: UInt8) {
        write(atMost: 1) {
            $0[0] = byte
            return 1
        }
    }

    @usableFromInline mutating func separate() {
        if needsComma { byte(UInt8(ascii: ",")) }
    }

    @usableFromInline mutating func key(_ name: StaticString) {
        let needsComma = needsComma
        name.withUTF8Buffer { name in
            write(atMost: name.count + 4) { room in
                var at = 0
                if needsComma {
                    room[at] = UInt8(ascii: ",")
                    at += 1
                }
                room[at] = UInt8(ascii: "\"")
                at += 1 + Self.copy(name, to: room, at: at + 1)
                room[at] = UInt8(ascii: "\"")
                room[at + 1] = UInt8(ascii: ":")
                return at + 2
            }
        }
    }

    private mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { text in write(atMost: text.count) { Self.copy(text, to: $0, at: 0) } }
        needsComma = true
    }

    private mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { text in write(atMost: text.count) { Self.copy(text, to: $0, at: 0) } }
        needsComma = true
    }

    @usableFromInline mutating func integer(isNegative: Bool, _ magnitude: UInt64) {
        write(atMost: 21) { room in
            var length = isNegative ? 2 : 1
            var rest = magnitude
            while rest > 9 {
                length += 1
                rest /= 10
            }
            rest = magnitude
            var at = length
            repeat {
                at -= 1
                room[at] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest > 0
            if isNegative { room[0] = UInt8(ascii: "-") }
            return length
        }
        needsComma = true
    }

    private mutating func number(_ value: Double?) {
        guard let value, value.isFinite else { return raw("null") }
        let magnitude = abs(value)
        if value == value.rounded(), magnitude < 1e15 { return integer(isNegative: value < 0, UInt64(magnitude)) }
        // Most have few decimals, scores for instance, and then are what these digits mean and nothing shorter.
        let tenThousandths = (magnitude * 10_000).rounded()
        if tenThousandths < 1e15, tenThousandths / 10_000 == magnitude {
            decimal(isNegative: value < 0, UInt64(tenThousandths), decimals: 4)
        } else {
            text(value.description)
        }
    }

    private mutating func number(_ value: Double, significantDigits digits: Int) {
        let magnitude = abs(value)
        guard magnitude >= 1e-9, magnitude < 1e15 else { return number(value) }
        // What would stand behind the point if all digits were written; negative for digits in front of it that are zero.
        let decimals = digits - 1 - Int(log10(magnitude).rounded(.down))
        let scale = Self.powersOfTen[abs(decimals)]
        let mantissa = UInt64((decimals < 0 ? magnitude / Double(scale) : magnitude * Double(scale)).rounded())
        if decimals > 0 {
            decimal(isNegative: value < 0, mantissa, decimals: decimals)
        } else {
            integer(isNegative: value < 0, mantissa * scale)
        }
    }

    /// `mantissa` / 10^`decimals`, without zeros at its end.
    private mutating func decimal(isNegative: Bool, _ mantissa: UInt64, decimals: Int) {
        var (mantissa, decimals) = (mantissa, decimals)
        while decimals > 0, mantissa % 10 == 0 {
            mantissa /= 10
            decimals -= 1
        }
        let one = Self.powersOfTen[decimals]
        integer(isNegative: isNegative, mantissa / one)
        guard decimals > 0 else { return }
        write(atMost: decimals + 1) { room in
            room[0] = UInt8(ascii: ".")
            var rest = mantissa % one
            for at in stride(from: decimals, to: 0, by: -1) {
                room[at] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            }
            return decimals + 1
        }
    }

    /// All that an integer of 64 bits holds.
    private static let powersOfTen: [UInt64] = (0..<19).map { (0..<$0).reduce(1) { power, _ in power * 10 } }

    private mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            // A character that is escaped takes six bytes at most.
            write(atMost: 6 * utf8.count + 2) { room in
                room[0] = UInt8(ascii: "\"")
                let at = 1 + Self.write(utf8, to: room, at: 1)
                room[at] = UInt8(ascii: "\"")
                return at + 1
            }
        }
        needsComma = true
    }

    /// Writes a string without its quotes, and returns the bytes that took.
    private static func write(
        _ utf8: UnsafeBufferPointer<UInt8>, to room: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) -> Int {
        if isPlain(utf8) { return copy(utf8, to: room, at: start) }
        var at = start
        for byte in utf8 { at += escape(byte, to: room, at: at) }
        return at - start
    }

    /// Whether nothing is escaped. Without a branch in it, so that many bytes are looked at with one instruction.
    private static func isPlain(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
        var special: UInt8 = 0
        for byte in utf8 { special |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0) }
        return special == 0
    }

    /// Writes a byte of a string, escaped where it must be, and returns the bytes that took.
    private static func escape(_ byte: UInt8, to room: UnsafeMutableBufferPointer<UInt8>, at: Int) -> Int {
        guard byte < 0x20 || byte == 0x22 || byte == 0x5C else {
            room[at] = byte
            return 1
        }
        room[at] = UInt8(ascii: "\\")
        switch byte {
        case 0x22, 0x5C: room[at + 1] = byte
        case 0x0A: room[at + 1] = UInt8(ascii: "n")
        case 0x0D: room[at + 1] = UInt8(ascii: "r")
        case 0x09: room[at + 1] = UInt8(ascii: "t")
        default:
            let low = byte & 15
            room[at + 1] = UInt8(ascii: "u")
            room[at + 2] = UInt8(ascii: "0")
            room[at + 3] = UInt8(ascii: "0")
            room[at + 4] = 48 + byte >> 4
            room[at + 5] = low < 10 ? 48 + low : UInt8(ascii: "a") - 10 + low
            return 6
        }
        return 2
    }

    private static func copy(
        _ bytes: UnsafeBufferPointer<UInt8>, to room: UnsafeMutableBufferPointer<UInt8>, at: Int
    ) -> Int {
        if let from = bytes.baseAddress, let to = room.baseAddress { (to + at).update(from: from, count: bytes.count) }
        return bytes.count
    }
}
