/// What a person may ask the running collector for, over the socket `collector.sock` in its run directory: one line
/// there, one line back, then the connection is closed. The collector is the database's only writer, so what changes the
/// database goes through it.
public enum ControlRequest: Sendable, Hashable {
    /// Remove closed signals that opened before a time.
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
    case pruned(signals: Int)
    /// It could not be done, and why.
    case failed(String)

    /// Without its end: `ok signals=3` or `error the disk is full`.
    public var line: String {
        switch self {
        case .pruned(let signals): "ok signals=\(signals)"
        case .failed(let reason): "error \(reason.onOneLine)"
        }
    }

    /// Reads a line without its end; `nil` when it is no reply.
    public init?(line: String) {
        if line.hasPrefix("error ") {
            self = .failed(String(line.dropFirst("error ".count)))
            return
        }
        guard line.hasPrefix("ok signals="), let signals = Int(line.dropFirst("ok signals=".count)), signals >= 0
        else { return nil }
        self = .pruned(signals: signals)
    }
}

extension String {
    /// Fit for a line of a control socket; what is too long ends in `…`.
    var onOneLine: String {
        let line = String(map { $0.isNewline ? " " : $0 })
        // Room for the word before it and the ellipsis.
        let room = ControlRequest.maximumBytes - 24
        guard line.utf8.count > room else { return line }
        var short = Substring(line)
        while short.utf8.count > room { short.removeLast() }
        return short + "…"
    }
}
