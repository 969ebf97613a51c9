import Glibc

/// What the servers of one directory say of themselves, each in a file beside its socket, so that any of them can report on all.
/// php-fpm's scoreboard is the model; but there are no shared pages here: a page of a file waits for the disk when it is written.
struct Scoreboard {
    private static let suffix = ".score"

    private let path: String
    private let socket: String
    private var written: [Int] = []

    init(socket: String) {
        self.socket = socket
        path = socket + Self.suffix
    }

    /// Writes the counters, if they have changed. Where that cannot be, the others do not know of this server.
    mutating func write(_ statistics: Server.Statistics) {
        let words = statistics.words
        guard words != written else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // In one call, so that a reader sees all of it or nothing.
        let count = words.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 { written = words }
    }

    /// Removes the file, unless it is another server's by now.
    func remove() { if Self.read(path)?.pid == getpid() { unlink(path) } }

    /// What all servers say whose sockets are in this directory, by name of the socket; without those that have ended.
    func all() -> [(name: String, Server.Statistics)] {
        let directory = socket.lastIndex(of: "/").map { String(socket[..<$0]) } ?? "."
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var found: [(name: String, Server.Statistics)] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(Self.suffix), let statistics = Self.read("\(directory)/\(name)") else { continue }
            // Of another user's process the kernel says EPERM, and so that there is one.
            if kill(statistics.pid, 0) == 0 || errno == EPERM {
                found.append((String(name.dropLast(Self.suffix.count)), statistics))
            }
        }
        return found.sorted { $0.name < $1.name }
    }

    private static func read(_ path: String) -> Server.Statistics? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var words = [Int](repeating: 0, count: Server.Statistics.wordCount)
        let length = words.count * MemoryLayout<Int>.size
        let count = words.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, length) }
        guard count == length else { return nil }
        return Server.Statistics(words: words)
    }
}

extension Server.Statistics {
    fileprivate static let wordCount = 9

    /// In this order in the file.
    fileprivate var words: [Int] {
        [Int(pid), Int(started), threads, open, connections, requests, busy, maximumBusy, failures]
    }

    fileprivate init?(words: [Int]) {
        guard words.count == Self.wordCount, let pid = pid_t(exactly: words[0]), pid > 0 else { return nil }
        self.init(pid: pid, started: Int64(words[1]), threads: words[2])
        open = words[3]
        connections = words[4]
        requests = words[5]
        busy = words[6]
        maximumBusy = words[7]
        failures = words[8]
    }
}
