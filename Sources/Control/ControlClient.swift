import Glibc
import Model

/// Asks a running process for something, over its control socket.
enum ControlClient {
    /// The reply without its end, or `nil` when nobody listens there. Waits up to `timeout` seconds for it.
    static func ask(_ request: String, at path: String, timeout: Int) throws(ControlFailure) -> String? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket", path) }
        defer { close(descriptor) }
        // Before it connects: that waits, too, where others wait already.
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard try connect(descriptor, to: path) else { return nil }
        let line = Array((request + "\n").utf8)
        guard send(descriptor, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
            throw failure("writing to", path)
        }
        return try reply(from: descriptor, path)
    }

    /// Whether somebody listens there.
    private static func connect(_ descriptor: Int32, to path: String) throws(ControlFailure) -> Bool {
        var address = try sockaddr_un(path: path)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return true }
        if errno == ENOENT || errno == ECONNREFUSED { return false }
        throw failure("connecting to", path)
    }

    private static func reply(from descriptor: Int32, _ path: String) throws(ControlFailure) -> String {
        var bytes = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: ControlRequest.maximumBytes)
        while bytes.last != UInt8(ascii: "\n"), bytes.count <= ControlRequest.maximumBytes {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 { break }
            guard count > 0 else { throw failure("waiting for a reply from", path) }
            bytes += chunk[..<count]
        }
        guard bytes.last == UInt8(ascii: "\n") else { throw .noProperReply(path) }
        return String(decoding: bytes.dropLast(), as: UTF8.self)
    }

    private static func failure(_ what: String, _ path: String) -> ControlFailure {
        ControlFailure("\(what) \(path): \(errno == EAGAIN ? "no answer in time" : String(cString: strerror(errno)))")
    }
}

extension ControlFailure {
    static func noProperReply(_ path: String) -> ControlFailure {
        ControlFailure("\(path) gave no proper reply; see the log of the process behind it")
    }
}
