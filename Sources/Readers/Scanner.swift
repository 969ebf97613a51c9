import Glibc

/// Walks through the bytes of a /proc file without copying them. Never reads past the end; what is not there is `nil`.
struct Scanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The number that a file of one setting holds.
    static func number(in bytes: UnsafeRawBufferPointer) -> UInt64? {
        var file = Scanner(bytes)
        return file.number()
    }

    /// The next line without its newline, or `nil` at the end.
    mutating func line() -> Scanner? {
        guard position < bytes.count else { return nil }
        let end = index(of: UInt8(ascii: "\n")) ?? bytes.count
        defer { position = end + 1 }
        return Scanner(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
    }

    /// The next run of bytes that are not blank, or `nil` at the end.
    mutating func word() -> Word? {
        skipBlanks()
        let start = position
        while position < bytes.count, !Self.isBlank(bytes[position]) { position += 1 }
        return position > start ? Word(UnsafeRawBufferPointer(rebasing: bytes[start..<position])) : nil
    }

    /// Everything up to the next such byte, which is passed over; `nil`, and nothing passed, if there is none.
    mutating func word(upTo delimiter: UInt8) -> Word? {
        guard let end = index(of: delimiter) else { return nil }
        defer { position = end + 1 }
        return Word(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
    }

    /// Everything up to the last such byte, which is passed over; `nil`, and nothing passed, if there is none.
    mutating func word(upToLast delimiter: UInt8) -> Word? {
        guard position < bytes.count, let end = bytes[position...].lastIndex(of: delimiter) else { return nil }
        defer { position = end + 1 }
        return Word(UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
    }

    /// What is left.
    var rest: Word { Word(UnsafeRawBufferPointer(rebasing: bytes[min(position, bytes.count)...])) }

    /// The next decimal number after blanks; `nil` if there is none or it does not fit. Stops behind its last digit.
    mutating func number() -> UInt64? {
        skipBlanks()
        let start = position
        var value: UInt64 = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit <= 9 {
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            value = sum
            position += 1
        }
        return position > start ? value : nil
    }

    /// The next number, as a count of things.
    mutating func count() -> Int? { number().flatMap(Int.init(exactly:)) }

    /// The next number with a fraction: `0.15`.
    mutating func decimal() -> Double? {
        guard let whole = number() else { return nil }
        guard pass(UInt8(ascii: ".")) else { return Double(whole) }
        let start = position
        guard let fraction = number() else { return nil }
        return Double(whole) + Double(fraction) / pow(10, Double(position - start))
    }

    /// Passes over this byte if it comes next.
    mutating func pass(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private func index(of byte: UInt8) -> Int? {
        guard position < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + position, Int32(byte), bytes.count - position)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }
}

/// Some bytes of a file; valid only as long as the buffer they lie in.
struct Word {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// As text; invalid UTF-8 is repaired.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// As a number, if it is nothing else.
    var number: UInt64? {
        var scanner = Scanner(bytes)
        guard let value = scanner.number(), scanner.rest.bytes.isEmpty else { return nil }
        return value
    }

    /// The part behind this prefix, or `nil` if it starts otherwise.
    func dropping(prefix: StaticString) -> Word? {
        let length = prefix.utf8CodeUnitCount
        guard bytes.count >= length, prefix ~= Word(UnsafeRawBufferPointer(rebasing: bytes[..<length])) else {
            return nil
        }
        return Word(UnsafeRawBufferPointer(rebasing: bytes[length...]))
    }

    /// Makes `switch word { case "ctxt": … }` compare bytes.
    static func ~= (literal: StaticString, word: Word) -> Bool {
        guard word.bytes.count == literal.utf8CodeUnitCount else { return false }
        guard let base = word.bytes.baseAddress else { return true }
        return memcmp(base, literal.utf8Start, word.bytes.count) == 0
    }
}
