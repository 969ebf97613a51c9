import Glibc

/// What the servers of one directory say of themselves, each in a file beside its socket, so that any of them can report on all.
/// php-fpm's scoreboard is the model; but there are no shared pages here: a page of a file waits for the disk when it is written.
///
/// A server holds a lock on its file as long as it lives. Whoever can take that lock knows that it has ended, however it ended.
final class Scoreboard {
    private static let suffix = ".score"
    /// Files that are looked at in one directory.
    private static let most = 256

    private let path: String
    private let descriptor: Int32
    private var written: [Int] = []

    /// Makes the file anew: a server that is being replaced goes on in its own. `nil` where that cannot be, such as in a directory
    /// that this user may not write; then the others do not know of this server.
    init?(socket: String) {
        let path = socket + Self.suffix
        unlink(path)
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { return nil }
        // A reader may hold it for a moment.
        flock(file, LOCK_EX)
        self.path = path
        descriptor = file
    }

    deinit {
        var own = stat()
        var named = stat()
        // It may be a successor's by now.
        if fstat(descriptor, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino, own.st_dev == named.st_dev
        {
            unlink(path)
        }
        close(descriptor)
    }

    /// Writes the counters, if they have changed.
    func write(_ statistics: Server.Statistics) {
        let words = statistics.words
        guard words != written else { return }
        let count = words.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        if count == Server.Statistics.length { written = words }
    }

    /// What all servers say whose sockets are beside this one, by name of the socket; without those that have ended.
    static func all(besides socket: String) -> [(name: String, Server.Statistics)] {
        let directory = socket.lastIndex(of: "/").map { String(socket[..<$0]) } ?? "."
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var found: [(name: String, Server.Statistics)] = []
        while found.count < most, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(suffix), let statistics = read("\(directory)/\(name)") else { continue }
            found.append((String(name.dropLast(suffix.count)), statistics))
        }
        return found.sorted { $0.name < $1.name }
    }

    /// Anybody may have put something there.
    private static func read(_ path: String) -> Server.Statistics? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, flock(descriptor, LOCK_SH | LOCK_NB) != 0
        else { return nil }
        var words = [Int](repeating: 0, count: Server.Statistics.length / MemoryLayout<Int>.size)
        let count = words.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        return count == Server.Statistics.length ? Server.Statistics(words: words) : nil
    }
}

extension Server.Statistics {
    fileprivate static let length = 9 * MemoryLayout<Int>.size

    /// In this order in the file. They are written and read without a lock: a reader may see some of them a second older.
    fileprivate var words: [Int] {
        [Int(pid), Int(started), threads, open, connections, requests, busy, maximumBusy, failures]
    }

    /// `nil` where a number is none that a server writes.
    fileprivate init?(words: [Int]) {
        guard words.allSatisfy({ $0 >= 0 }), let pid = pid_t(exactly: words[0]) else { return nil }
        self.init(pid: pid, started: Int64(words[1]), threads: words[2])
        open = words[3]
        connections = words[4]
        requests = words[5]
        busy = words[6]
        maximumBusy = words[7]
        failures = words[8]
    }
}
