import Foundation
import Glibc
import Synchronization
import Testing

/// A listening socket that takes one request and answers with some bytes, or never answers.
final class OneAnswer: Sendable {
    let path = "/tmp/kernelsight-control-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
    private let listener: Int32
    private let asked = Shared()

    private final class Shared: Sendable {
        let request = Mutex("")
    }

    init(_ answer: String?) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(listener >= 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 1) == 0)
        guard let answer else { return }
        // A thread of its own: the client blocks one of the few that tasks have.
        Thread.detachNewThread { [asked] in
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            defer { close(connection) }
            var bytes = [UInt8](repeating: 0, count: 1024)
            let count = recv(connection, &bytes, bytes.count, 0)
            asked.request.withLock { $0 = String(decoding: bytes[..<max(count, 0)], as: UTF8.self) }
            // In two parts: a reply need not come at once.
            let reply = Array(answer.utf8)
            for part in [reply[..<(reply.count / 2)], reply[(reply.count / 2)...]] {
                send(connection, Array(part), part.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    /// What was asked; complete once an answer has come.
    var request: String { asked.request.withLock { $0 } }

    deinit {
        close(listener)
        unlink(path)
    }
}
