/// The value of ioprio_set(2): class << 13 | level.
struct IOPriority: Equatable, CustomStringConvertible {
    var rawValue: Int32

    private static let classes = ["none", "realtime", "best-effort", "idle"]

    init(rawValue: Int32) { self.rawValue = rawValue }

    /// `none`, `idle`, `best-effort 4`, `realtime 0`.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard let name = words.first, let number = Self.classes.firstIndex(of: String(name)) else { return nil }
        let hasLevel = number == 1 || number == 2
        guard words.count == (hasLevel ? 2 : 1) else { return nil }
        let level = hasLevel ? Int32(words[1]) : 0
        guard let level, (0...7).contains(level) else { return nil }
        rawValue = Int32(number) << 13 | level
    }

    var description: String {
        let number = Int(rawValue >> 13)
        guard Self.classes.indices.contains(number) else { return "class \(number)" }
        return number == 1 || number == 2 ? "\(Self.classes[number]) \(rawValue & 7)" : Self.classes[number]
    }
}
