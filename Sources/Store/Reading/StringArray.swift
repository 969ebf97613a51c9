import Model

/// JSON arrays of strings, with what takes less: `312` and `3.4` stand without quotes, and who is named elsewhere in the row as
/// `[who]` or `[who,others]`.
enum StringArray {
    /// Somebody whose name a string is, and how many others it counts.
    typealias Reference = (who: Int, others: Int)

    static func json(_ strings: [String]) -> String {
        var json = JSONWriter(capacity: 128)
        write(strings, to: &json) { _ in nil }
        return json.text
    }

    static func write(_ strings: [String], to json: inout JSONWriter, reference: (String) -> Reference?) {
        json.array { json in
            for string in strings {
                if isNumber(string) {
                    json.element(json: string)
                } else if let (who, others) = reference(string) {
                    json.array {
                        $0.element(who)
                        if others > 0 { $0.element(others) }
                    }
                } else {
                    json.element(string)
                }
            }
        }
    }

    /// What any reader of JSON gives back as it is: whole numbers and tenths.
    private static func isNumber(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { text in
            guard (1...15).contains(text.count), isDigit(text[0]) else { return false }
            let whole = text.prefix(while: isDigit)
            guard text[0] != UInt8(ascii: "0") || whole.count == 1 else { return false }
            let rest = text[whole.endIndex...]
            return rest.isEmpty
                || rest.count == 2 && rest.first == UInt8(ascii: ".") && rest.last.map { $0 &- 49 < 9 } == true
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    /// Reads what `json` wrote. Anything else is an empty array.
    static func parse(
        _ bytes: UnsafeRawBufferPointer, name: (Reference) -> String = { _ in "" }
    ) -> [String] {
        var strings: [String] = []
        var index = 0
        guard bytes.first == UInt8(ascii: "[") else { return [] }
        strings.reserveCapacity(8)
        repeat {
            index += 1  // over [ or ,
            guard let string = element(bytes, &index, name) else { break }
            strings.append(string)
        } while index < bytes.count && bytes[index] == UInt8(ascii: ",")
        return strings
    }

    /// The element at `index`, and `index` behind it; `nil` for what `json` does not write.
    private static func element(
        _ bytes: UnsafeRawBufferPointer, _ index: inout Int, _ name: (Reference) -> String
    ) -> String? {
        guard index < bytes.count else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "\""):
            guard let (string, end) = string(bytes, from: index + 1) else { return nil }
            index = end
            return string
        case UInt8(ascii: "["):
            index += 1
            let who = number(bytes, &index)
            if index < bytes.count, bytes[index] == UInt8(ascii: ",") { index += 1 }
            let others = number(bytes, &index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: "]") else { return nil }
            index += 1
            return name((who, others))
        case let digit where isDigit(digit):
            let start = index
            while index < bytes.count, isDigit(bytes[index]) || bytes[index] == UInt8(ascii: ".") { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        default: return nil
        }
    }

    /// The digits from `index` on; 0 where there are none.
    private static func number(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Int {
        var number = 0
        while index < bytes.count, isDigit(bytes[index]) {
            // A damaged database may say anything.
            number = number &* 10 &+ Int(bytes[index] - 48)
            index += 1
        }
        return number
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
