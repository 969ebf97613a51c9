import Glibc
import Model

/// Asks the running collector for something, over its control socket.
enum ControlClient {
    /// The reply, or `nil` when no collector listens there. Waits up to `timeout` seconds for it.
    static func ask(_ request: ControlRequest, at path: String, timeout: Int) throws(Failure) -> ControlReply? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket", path) }
        defer { close(descriptor) }
        guard try connect(descriptor, to: path) else { return nil }

        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let line = Array((request.line + "\n").utf8)
        guard send(descriptor, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
            throw failure("writing to", path)
        }
        return try reply(from: descriptor, path)
    }

    /// Whether somebody listens there.
    private static func connect(_ descriptor: Int32, to path: String) throws(Failure) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= room else {
            throw Failure("\(path) is longer than the \(room) bytes that a socket's name may have; use a shorter path")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return true }
        if errno == ENOENT || errno == ECONNREFUSED { return false }
        throw failure("connecting to", path)
    }

    private static func reply(from descriptor: Int32, _ path: String) throws(Failure) -> ControlReply {
        var bytes = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: ControlRequest.maximumBytes)
        while bytes.last != UInt8(ascii: "\n"), bytes.count <= ControlRequest.maximumBytes {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 { break }
            guard count > 0 else { throw failure("waiting for a reply from", path) }
            bytes += chunk[..<count]
        }
        guard bytes.last == UInt8(ascii: "\n"),
            let reply = ControlReply(line: String(decoding: bytes.dropLast(), as: UTF8.self))
        else { throw Failure("the collector at \(path) gave no proper reply; see its log") }
        return reply
    }

    private static func failure(_ what: String, _ path: String) -> Failure {
        Failure("\(what) \(path): \(errno == EAGAIN ? "no answer in time" : String(cString: strerror(errno)))")
    }
}
