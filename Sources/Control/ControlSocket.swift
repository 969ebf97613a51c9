import CLinux
import Dispatch
import Foundation
import Glibc
import Model
import ServiceLifecycle
import Synchronization

/// Answers what people ask of a running process: one line in, one line out, then the connection is closed.
public struct ControlSocket: Service {
    let path: String
    let mode: UInt32
    let answer: @Sendable (_ line: String, _ uid: UInt32) async -> String

    /// - Parameters:
    ///   - mode: Of the socket's file; by default it can be opened by the process's own user alone.
    ///   - answer: Gets a line without its end and whose it is, and gives a line back.
    public init(
        path: String, mode: UInt32 = 0o600,
        answer: @escaping @Sendable (_ line: String, _ uid: UInt32) async -> String
    ) {
        self.path = path
        self.mode = mode
        self.answer = answer
    }

    /// Until the process is to stop. Throws `ControlFailure`.
    public func run() async throws {
        let listener = try listen()
        let source = DispatchSource.makeReadSource(fileDescriptor: listener, queue: .global())
        let callers = Callers()
        source.setEventHandler {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            var uid = UInt32.max
            _ = clinux_peer_uid(connection, &uid)
            let peer = uid
            guard callers.enter(peer) else {
                return Self.say("error \(Callers.most) requests of this user are under way: try again", to: connection)
            }
            // Whoever is slow keeps nobody else waiting; Dispatch has a thread a core, which would all wait.
            Thread.detachNewThread {
                guard let request = Self.readLine(connection) else {
                    callers.leave(peer)
                    return Self.say(
                        "error a request is one line of less than \(ControlRequest.maximumBytes) bytes, sent within 2 s",
                        to: connection)
                }
                Task {
                    let reply = await answer(request, peer)
                    callers.leave(peer)
                    Self.say(reply, to: connection)
                }
            }
        }
        source.setCancelHandler { close(listener) }
        source.resume()
        try? await gracefulShutdown()
        source.cancel()
        unlink(path)
    }

    /// The last thing that is said.
    private static func say(_ reply: String, to connection: Int32) {
        let bytes = Array((reply + "\n").utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        close(connection)
    }

    /// `nil` for what does not end in time, or is too long: half a request is none.
    private static func readLine(_ connection: Int32) -> String? {
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var line: [UInt8] = []
        var byte: UInt8 = 0
        // Whoever sends byte by byte has no longer for the whole.
        let deadline = ContinuousClock.now + .seconds(2)
        while line.count < ControlRequest.maximumBytes, ContinuousClock.now < deadline,
            recv(connection, &byte, 1, 0) == 1
        {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    private func listen() throws(ControlFailure) -> Int32 {
        let listener = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard listener >= 0 else { throw ControlFailure("control socket: \(String(cString: strerror(errno)))") }
        var address: sockaddr_un
        do { address = try .init(path: path) } catch {
            close(listener)
            throw error
        }
        // The writer's lock says that nobody else of the kind lives: what stands here is left over.
        unlink(path)
        let mask = umask(0o777 & ~mode)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        umask(mask)
        guard bound == 0, Glibc.listen(listener, 8) == 0 else {
            let reason = String(cString: strerror(errno))
            close(listener)
            throw ControlFailure(
                "cannot listen on \(path): \(reason); its directory must be there and belong to uid \(geteuid())")
        }
        return listener
    }
}

/// How many connections each user has open: nobody takes those of others.
private final class Callers: Sendable {
    static let most = 4
    private let open: Mutex<[UInt32: Int]> = Mutex([:])

    /// Whether one more may.
    func enter(_ uid: UInt32) -> Bool {
        open.withLock { open in
            guard open[uid, default: 0] < Self.most else { return false }
            open[uid, default: 0] += 1
            return true
        }
    }

    func leave(_ uid: UInt32) {
        open.withLock { open in open[uid] = open[uid].flatMap { $0 > 1 ? $0 - 1 : nil } }
    }
}

extension sockaddr_un {
    init(path: String) throws(ControlFailure) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: sun_path) - 1
        guard path.utf8.count <= room else {
            throw ControlFailure(
                "\(path) is longer than the \(room) bytes that a socket's name may have; use a shorter path")
        }
        withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: path.utf8) }
    }
}
