import Dispatch
import Glibc
import Logging
import Model
import ServiceLifecycle

/// Answers what people ask of the running collector: one line in, one line out, one connection at a time. The socket
/// can be opened by the collector's own user alone.
struct ControlSocket: Service {
    let path: String
    let logger: Logger
    let answer: @Sendable (ControlRequest) async -> ControlReply

    func run() async throws {
        let listener = try Self.listen(at: path)
        let source = DispatchSource.makeReadSource(fileDescriptor: listener, queue: .global())
        source.setEventHandler {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            let text = Self.readLine(connection)
            Task {
                let reply = await reply(to: text)
                let bytes = Array((reply.line + "\n").utf8)
                _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                close(connection)
            }
        }
        source.setCancelHandler { close(listener) }
        source.resume()
        try? await gracefulShutdown()
        source.cancel()
        unlink(path)
    }

    private func reply(to text: String) async -> ControlReply {
        guard let request = ControlRequest(line: text) else {
            return .failed("not a request: \(text.prefix(80)); known: prune NANOSECONDS")
        }
        let reply = await answer(request)
        logger.info("control request", metadata: ["request": "\(request.line)", "reply": "\(reply.line)"])
        return reply
    }

    private static func readLine(_ connection: Int32) -> String {
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < ControlRequest.maximumBytes, recv(connection, &byte, 1, 0) == 1, byte != UInt8(ascii: "\n") {
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }

    private static func listen(at path: String) throws -> Int32 {
        let listener = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard listener >= 0 else { throw StartFailure("control socket: \(String(cString: strerror(errno)))") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= room else {
            close(listener)
            throw StartFailure("\(path) is longer than the \(room) bytes that a socket's name may have; use --run")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        // The writer's lock says that no other collector lives: what stands here is left over.
        unlink(path)
        let mask = umask(0o177)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        umask(mask)
        guard bound == 0, Glibc.listen(listener, 8) == 0 else {
            let reason = String(cString: strerror(errno))
            close(listener)
            throw StartFailure(
                "cannot listen on \(path): \(reason); its directory must belong to uid \(geteuid()), --run names another"
            )
        }
        return listener
    }
}

/// What keeps the collector from starting: one line that says what to do.
struct StartFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
