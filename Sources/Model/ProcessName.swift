/// What a sentence calls a process: `nginx (pid 812)`, `stress-ng-cpu (pid 4242 and 7 more)`.
public enum ProcessName {
    /// - Parameter others: How many more of its kind are meant.
    public static func text(_ comm: String, pid: Int32, others: Int = 0) -> String {
        // Pieces that are joined cost half of what an interpolation does, and lists of signals are full of names.
        let name = comm + " (pid " + String(pid)
        return others > 0 ? name + " and " + String(others) + " more)" : name + ")"
    }

    /// How many others a text means that calls this process so; `nil` for any other text.
    public static func others(in text: String, comm: String, pid: Int32) -> Int? {
        // Most texts are no names, and their ends say so.
        guard text.utf8.last == UInt8(ascii: ")") else { return nil }
        var (text, comm) = (text, comm)
        return text.withUTF8 { text in
            var rest = text[...]
            guard comm.withUTF8({ skip($0, &rest) }), skip(" (pid ", &rest), number(&rest) == Int(pid) else {
                return nil
            }
            if rest.count == 1 { return 0 }
            guard skip(" and ", &rest), let others = number(&rest), others > 0, skip(" more)", &rest), rest.isEmpty
            else { return nil }
            return others
        }
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    private static func skip(_ prefix: StaticString, _ text: inout Bytes) -> Bool {
        prefix.withUTF8Buffer { skip($0, &text) }
    }

    private static func skip(_ prefix: UnsafeBufferPointer<UInt8>, _ text: inout Bytes) -> Bool {
        guard text.starts(with: prefix) else { return false }
        text = text.dropFirst(prefix.count)
        return true
    }

    /// The digits in front, as `text` writes them: without zeros before them.
    private static func number(_ text: inout Bytes) -> Int? {
        let digits = text.prefix { $0 &- 48 < 10 }
        text = text[digits.endIndex...]
        guard (1...18).contains(digits.count), digits.first != UInt8(ascii: "0") || digits.count == 1 else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    }
}
