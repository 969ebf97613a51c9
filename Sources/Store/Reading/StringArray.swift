import Model

/// JSON arrays of strings. What is a whole number stands without quotes: two bytes less.
enum StringArray {
    static func json(_ strings: [String]) -> String {
        var json = JSONWriter(capacity: 128)
        json.array { json in
            for string in strings {
                if isNumber(string.utf8) { json.element(json: string) } else { json.element(string) }
            }
        }
        return json.text
    }

    /// Digits that any reader gives back as they are.
    private static func isNumber(_ text: String.UTF8View) -> Bool {
        guard let first = text.first, text.count <= 15, first != UInt8(ascii: "0") || text.count == 1 else {
            return false
        }
        return text.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    /// Reads what `json` wrote. Anything else is an empty array.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [String] {
        var strings: [String] = []
        var index = 0
        guard bytes.first == UInt8(ascii: "[") else { return [] }
        while index < bytes.count {
            index += 1  // over [ or ,
            guard index < bytes.count else { break }
            if isDigit(bytes[index]) {
                let start = index
                while index < bytes.count, isDigit(bytes[index]) { index += 1 }
                strings.append(String(decoding: bytes[start..<index], as: UTF8.self))
                guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { break }
                continue
            }
            guard bytes[index] == UInt8(ascii: "\"") else { break }
            guard let (string, end) = string(bytes, from: index + 1) else { return [] }
            strings.append(string)
            index = end
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { break }
        }
        return strings
    }

    /// The string that starts behind an opening quote, and the position behind its closing one.
    private static func string(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (String, Int)? {
        var index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\") { index += 1 }
        guard index < bytes.count else { return nil }
        if bytes[index] == UInt8(ascii: "\"") {
            return (String(decoding: bytes[start..<index], as: UTF8.self), index + 1)
        }
        return escaped(bytes, from: start)
    }

    private static func escaped(_ bytes: UnsafeRawBufferPointer, from start: Int) -> (String, Int)? {
        var result: [UInt8] = []
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return (String(decoding: result, as: UTF8.self), index) }
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            guard index < bytes.count else { return nil }
            let kind = bytes[index]
            index += 1
            switch kind {
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                // The writer escapes control characters this way, and nothing else.
                guard index + 4 <= bytes.count,
                    let code = UInt8(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
                else { return nil }
                result.append(code)
                index += 4
            default: result.append(kind)
            }
        }
        return nil
    }
}
