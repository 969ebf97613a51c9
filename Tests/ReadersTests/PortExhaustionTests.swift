import Foundation
import Glibc
import Model
import Testing

@testable import Readers

/// What is said of the local ports, and what connect() says: in a network namespace of its own, with two hundred ports.
@Suite(.enabled(if: getuid() == 0)) struct PortExhaustionTests {
    @Test func `all ports are taken when connect fails, and none when it may reuse them`() async throws {
        let seen = try await inNetworkOfItsOwn { network in
            var seen: [Moment] = []
            try network.set("tcp_tw_reuse", "0")
            seen.append(try network.hangUpFirst(atMost: 300))
            // Old enough to be reused after a second, by the kernel's default.
            try network.set("tcp_tw_reuse", "2")
            let deadline = ContinuousClock.now + .seconds(20)
            while try network.hangUpFirst(atMost: 0).taken != nil, ContinuousClock.now < deadline { usleep(50_000) }
            seen.append(try network.hangUpFirst(atMost: 0))
            seen.append(try network.hangUpFirst(atMost: 1).withoutPorts)
            return seen
        }
        #expect(
            seen == [
                Moment(connected: 200, error: EADDRNOTAVAIL, taken: 200), Moment(connected: 0, error: 0, taken: nil),
                Moment(connected: 1, error: 0, taken: nil),
            ])
    }

    @Test func `without timestamps none is reused`() async throws {
        let seen = try await inNetworkOfItsOwn { network in
            try network.set("tcp_timestamps", "0")
            try network.set("tcp_tw_reuse", "2")
            // Since 6.14; at once instead of after a second.
            try? network.set("tcp_tw_reuse_delay", "1")
            return [try network.hangUpFirst(atMost: 300), try network.hangUpFirst(atMost: 1)]
        }
        #expect(
            seen == [
                Moment(connected: 200, error: EADDRNOTAVAIL, taken: 200),
                Moment(connected: 0, error: EADDRNOTAVAIL, taken: 200),
            ])
    }

    /// A thread belongs to a network namespace, so that it gets one of its own and ends with it.
    private func inNetworkOfItsOwn(_ body: @escaping @Sendable (Network) throws -> [Moment]) async throws -> [Moment] {
        try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try body(Network()) }) }.start()
        }
    }
}

/// How many connections came about, why no more did, and what is said of the ports then.
private struct Moment: Equatable {
    var connected: Int
    var error: Int32
    var taken: Int?

    /// How many ports are taken right after one was reused depends on how fast that went.
    var withoutPorts: Moment { Moment(connected: connected, error: error, taken: nil) }
}

private struct Network {
    private let listener: Int32
    private var address = sockaddr_in()

    init() throws {
        // Glibc's module leaves it out, and the constant.
        typealias Unshare = @convention(c) (Int32) -> Int32
        let unshare = unsafeBitCast(try #require(dlsym(nil, "unshare")), to: Unshare.self)
        guard unshare(0x4000_0000) == 0 else { throw Loopback.Failure() }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // struct ifreq: the name, then the flags.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<2, with: Array("lo".utf8))
        request[16] = UInt8(IFF_UP)
        guard ioctl(listener, UInt(SIOCSIFFLAGS), &request) == 0 else { throw Loopback.Failure() }
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(30_001).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        guard bound == 0, listen(listener, 128) == 0 else { throw Loopback.Failure() }
        try set("ip_local_port_range", "40000 40199")
        // On a busy host a FIN may be sent twice; the answer to the second finds no socket, and the RST for that would end
        // the TIME_WAIT.
        try set("tcp_rfc1337", "1")
    }

    func set(_ name: String, _ value: String) throws {
        try Data(value.utf8).write(to: URL(fileURLWithPath: "/proc/sys/net/ipv4/\(name)"))
    }

    /// Makes connections that the client closes first, which leaves its end in TIME_WAIT.
    func hangUpFirst(atMost count: Int) throws -> Moment {
        for made in 0..<count {
            let client: Int32
            do { client = try Loopback.connect(to: address) } catch let failure as Loopback.Failure {
                return Moment(connected: made, error: failure.code, taken: try localPorts()?.taken)
            }
            let server = accept(listener, nil, nil)
            // Not by close() alone: a child being started elsewhere in the process holds a copy until its exec, the FIN of
            // the client would come after the server's, and a client that closes last keeps no port.
            shutdown(client, Int32(SHUT_WR))
            close(client)
            close(server)
        }
        return Moment(connected: count, error: 0, taken: try localPorts()?.taken)
    }

    private func localPorts() throws -> LocalPortReading? {
        var buffer = ReadBuffer()
        var diag = SocketDiag()
        var reader = LocalPortReader(root: "")
        return try reader.read(&buffer, &diag, connections: 100, at: 1)
    }
}
