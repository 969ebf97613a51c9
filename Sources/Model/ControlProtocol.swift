/// What a person may ask the running collector for, over the socket `collector.sock` in its run directory: one line
/// there, one line back, then the connection is closed. The collector is the database's only writer, so what changes the
/// database goes through it.
public enum ControlRequest: Sendable, Hashable {
    /// Remove signals and events from before a time.
    case prune(before: Timestamp)

    /// The longest line either side reads, its end included.
    public static let maximumBytes = 1024

    /// The socket's name in the run directory.
    public static let socketName = "collector.sock"

    /// Without its end: `prune 1764040000000000000`.
    public var line: String {
        switch self {
        case .prune(let time): "prune \(time.nanoseconds)"
        }
    }

    /// Reads a line without its end; `nil` when it is no request.
    public init?(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, words[0] == "prune", let time = Int64(words[1]), time >= 0 else { return nil }
        self = .prune(before: Timestamp(nanoseconds: time))
    }
}

/// What the collector answers.
public enum ControlReply: Sendable, Hashable {
    case pruned(signals: Int, events: Int)
    /// It could not be done, and why.
    case failed(String)

    /// Without its end: `ok signals=3 events=20` or `error the disk is full`.
    public var line: String {
        switch self {
        case .pruned(let signals, let events): "ok signals=\(signals) events=\(events)"
        case .failed(let reason):
            "error \(String(reason.map { $0.isNewline ? " " : $0 }.prefix(200)))"
        }
    }

    /// Reads a line without its end; `nil` when it is no reply.
    public init?(line: String) {
        if line.hasPrefix("error ") {
            self = .failed(String(line.dropFirst("error ".count)))
            return
        }
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        func number(_ word: Substring, _ name: String) -> Int? {
            word.hasPrefix(name) ? Int(word.dropFirst(name.count)) : nil
        }
        guard words.count == 3, words[0] == "ok", let signals = number(words[1].prefix(64), "signals="),
            let events = number(words[2].prefix(64), "events="), signals >= 0, events >= 0
        else { return nil }
        self = .pruned(signals: signals, events: events)
    }
}
