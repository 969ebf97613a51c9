import Glibc

/// Why a server cannot listen.
public struct ListenError: Error, CustomStringConvertible {
    public let description: String
}

/// A listening unix socket whose file appears with its final owner and mode, and goes when it is closed.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    private let path: String
    private let inode: ino_t

    /// Binds. A socket file that nobody listens on is replaced; one that answers, or any other file, is an error.
    init(path: String, mode: mode_t, group: gid_t?, backlog: Int32) throws(ListenError) {
        try Self.refuseIfInUse(path)
        // Bound under another name and renamed: nobody meets the socket before its mode is set, and a stale file is
        // replaced without a gap.
        let draft = "\(path).\(getpid())"
        guard let address = Self.address(draft) else {
            throw ListenError(
                description: "\(path): longer than a socket path can be (100 bytes); choose a shorter one")
        }
        unlink(draft)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        func fail(_ what: String) -> ListenError {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            unlink(draft)
            return ListenError(description: "\(path): cannot \(what): \(reason)")
        }
        var file = stat()
        guard descriptor >= 0, Self.call(bind, descriptor, address) == 0 else { throw fail("bind") }
        if let group, chown(draft, uid_t.max, group) != 0 { throw fail("give the socket to group \(group)") }
        guard chmod(draft, mode) == 0 else { throw fail("set mode 0\(String(mode, radix: 8))") }
        guard listen(descriptor, backlog) == 0 else { throw fail("listen") }
        guard lstat(draft, &file) == 0, rename(draft, path) == 0 else { throw fail("put the socket in its place") }
        self.descriptor = descriptor
        self.path = path
        inode = file.st_ino
    }

    /// Waits for a connection; −1 with `errno` set when there is none.
    func accept() -> Int32 { Glibc.accept(descriptor, nil, nil) }

    /// Takes the file away, if it is still this socket's, and wakes everybody who waits in `accept`.
    func stop() {
        var file = stat()
        if lstat(path, &file) == 0, file.st_ino == inode { unlink(path) }
        shutdown(descriptor, Int32(SHUT_RD))
    }

    private static func refuseIfInUse(_ path: String) throws(ListenError) {
        var file = stat()
        guard lstat(path, &file) == 0 else { return }
        guard file.st_mode & S_IFMT == S_IFSOCK else {
            throw ListenError(description: "\(path): exists and is not a socket; remove it or choose another path")
        }
        guard let address = address(path) else { return }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | O_NONBLOCK, 0)
        defer { close(probe) }
        // A full backlog answers EAGAIN: somebody listens.
        if call(connect, probe, address) == 0 || errno == EAGAIN {
            throw ListenError(
                description: "\(path): another process serves this socket; stop it or choose another path")
        }
    }

    private static func address(_ path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        return withUnsafeMutableBytes(of: &address.sun_path) { room -> Bool in
            guard bytes.count < room.count, !bytes.contains(0) else { return false }
            room.copyBytes(from: bytes)
            return true
        } ? address : nil
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32, _ address: sockaddr_un
    ) -> Int32 {
        withUnsafeBytes(of: address) {
            function(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
    }
}
