/// The session that a process is weighed in, as one, against the others: /proc/PID/autogroup, sched_autogroup(7).
struct Autogroup {
    var id: Int
    var nice: Int

    /// `nil` where it is in none, or has ended: then the file is empty.
    init?(pid: Int32) {
        guard let text = TextFile.read("/proc/\(pid)/autogroup") else { return nil }
        self.init(parsing: text)
    }

    /// Somebody who is in an autogroup: that one if it is, else whoever is found; `nil` where nobody is any more.
    static func member(of id: Int, first pid: Int32) -> (pid: Int32, autogroup: Autogroup)? {
        func look(_ pid: Int32) -> (pid: Int32, autogroup: Autogroup)? {
            Autogroup(pid: pid).flatMap { $0.id == id ? (pid, $0) : nil }
        }
        return look(pid) ?? Directory.entries("/proc").lazy.compactMap { Int32($0).flatMap(look) }.first
    }

    /// `/autogroup-123 nice 0`
    init?(parsing text: String) {
        let words = text.split(whereSeparator: \.isWhitespace)
        let prefix = "/autogroup-"
        guard words.count == 3, words[0].hasPrefix(prefix), words[1] == "nice",
            let id = Int(words[0].dropFirst(prefix.count)), let nice = Int(words[2])
        else { return nil }
        (self.id, self.nice) = (id, nice)
    }
}
