/// A disk's number in a cgroup's file of limits.
enum IOLimit {
    /// `none` where there is no limit.
    static func value(in text: String, disk: String, key: String) -> String {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.first.map({ $0 == disk }) == true else { continue }
            if key.isEmpty { return words.count > 1 ? String(words[1]) : "none" }
            let number = words.dropFirst().first { $0.hasPrefix(key + "=") }?.dropFirst(key.count + 1)
            return number.map { $0 == "max" ? "none" : String($0) } ?? "none"
        }
        return "none"
    }

    /// What is written for a value. In version 1, 0 takes a limit away.
    static func line(_ value: String, disk: String, key: String) -> String {
        key.isEmpty ? "\(disk) \(value == "none" ? "0" : value)" : "\(disk) \(key)=\(value == "none" ? "max" : value)"
    }
}
