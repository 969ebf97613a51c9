import CLinux
import Glibc

/// Asks sock_diag. After an error the netlink socket is opened anew next time, as replies may still be under way.
struct SocketDiag: ~Copyable {
    /// The kernel's numbers of TCP states.
    enum State: UInt8 {
        case established = 1
        case synSent = 2
        case finWait1 = 4
        case finWait2 = 5
        case timeWait = 6
        case closeWait = 8
        case lastAck = 9
        case closing = 11
    }

    private var netlink: Int32 = -1

    init() {}

    deinit { if netlink >= 0 { close(netlink) } }

    /// Counts by state.
    mutating func states() throws(ReaderError) -> clinux_tcp_states {
        var states = clinux_tcp_states()
        try ask { clinux_tcp_states($0, &states) }
        return states
    }

    /// Adds up the sockets in some states with a local port in a range.
    mutating func list<Sum>(
        _ states: [State], ports: ClosedRange<UInt16> = 0...UInt16.max, into sum: Sum,
        _ add: @escaping (inout Sum, clinux_tcp_socket) -> Void
    ) throws(ReaderError) -> Sum {
        let filter = clinux_tcp_filter(
            states: states.reduce(0) { $0 | 1 << UInt32($1.rawValue) }, first_port: ports.lowerBound,
            last_port: ports.upperBound)
        var sum = sum
        try withUnsafeMutablePointer(to: &sum) { sum throws(ReaderError) in
            var visitor = Visitor { add(&sum.pointee, $0) }
            try ask { netlink in
                withUnsafeMutablePointer(to: &visitor) { clinux_tcp_list(netlink, filter, Visitor.visit, $0) }
            }
        }
        return sum
    }

    /// What C carries along: it cannot call a closure that has captured something.
    private struct Visitor {
        let add: (clinux_tcp_socket) -> Void

        static let visit: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<clinux_tcp_socket>?) -> Void = {
            visitor, socket in
            guard let visitor, let socket else { return }
            visitor.assumingMemoryBound(to: Visitor.self).pointee.add(socket.pointee)
        }
    }

    private mutating func ask(_ body: (Int32) -> Int32) throws(ReaderError) {
        if netlink < 0 {
            netlink = clinux_sock_diag_open()
            if netlink < 0 { throw .netlink(errno: -netlink) }
        }
        let result = body(netlink)
        guard result == 0 else {
            close(netlink)
            netlink = -1
            throw .netlink(errno: -result)
        }
    }
}
