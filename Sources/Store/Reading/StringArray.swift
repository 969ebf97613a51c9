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
        strings.reserveCapacity(8)
        each(bytes) { strings.append(text($0, bytes, name)) }
        return strings
    }

    /// An element where it stands.
    enum Element {
        /// Digits, or what is between quotes: ASCII without anything that is escaped.
        case plain(Range<Int>)
        /// What is between quotes.
        case quoted(Range<Int>)
        case name(Reference)
    }

    /// The elements of what `json` wrote; ends where it is something else.
    static func each(_ bytes: UnsafeRawBufferPointer, _ body: (Element) -> Void) {
        var index = 0
        guard bytes.first == UInt8(ascii: "[") else { return }
        repeat {
            index += 1  // over [ or ,
            guard let element = element(bytes, &index) else { break }
            body(element)
        } while index < bytes.count && bytes[index] == UInt8(ascii: ",")
    }

    static func text(_ element: Element, _ bytes: UnsafeRawBufferPointer, _ name: (Reference) -> String) -> String {
        switch element {
        case .plain(let range): String(decoding: bytes[range], as: UTF8.self)
        case .quoted(let range): unescaped(bytes[range])
        case .name(let reference): name(reference)
        }
    }

    /// The element at `index`, and `index` behind it; `nil` for what `json` does not write.
    private static func element(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Element? {
        guard index < bytes.count else { return nil }
        let start = index
        switch bytes[index] {
        case UInt8(ascii: "\""): return quoted(bytes, &index)
        case UInt8(ascii: "["):
            index += 1
            let who = number(bytes, &index)
            if index < bytes.count, bytes[index] == UInt8(ascii: ",") { index += 1 }
            let others = number(bytes, &index)
            guard index < bytes.count, bytes[index] == UInt8(ascii: "]") else { return nil }
            index += 1
            return .name((who, others))
        case let digit where isDigit(digit):
            while index < bytes.count, isDigit(bytes[index]) || bytes[index] == UInt8(ascii: ".") { index += 1 }
            return .plain(start..<index)
        default: return nil
        }
    }

    /// The string whose opening quote is at `index`; `nil` where it does not end.
    private static func quoted(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Element? {
        index += 1
        let start = index
        var isPlain = true
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            let byte = bytes[index]
            if byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\\") { isPlain = false }
            // What follows is no closing quote, whatever it is.
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        return isPlain ? .plain(start..<index) : .quoted(start..<index)
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

    /// What the writer escaped, as it was. An escape that it does not write stands for the character behind it.
    private static func unescaped(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                result.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                // The writer escapes control characters this way, and nothing else.
                let digits = rest.prefix(4)
                result.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? UInt8(ascii: "?"))
                rest = rest.dropFirst(4)
            default: result.append(kind)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
