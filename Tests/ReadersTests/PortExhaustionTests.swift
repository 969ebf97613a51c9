import Foundation
import Glibc
import Model
import Testing

@testable import Readers

/// What is said of the local ports, and what connect() says: in a network namespace of its own, with two hundred ports.
@Suite(.enabled(if: getuid() == 0)) struct PortExhaustionTests {
    @Test func `all ports are taken when connect fails, and none when it may reuse them`() async throws {
        try await inNetworkOfItsOwn { network in
            try network.set("tcp_tw_reuse", "0")
            #expect(try network.hangUpFirst(atMost: 300) == 200)
            #expect(errno == EADDRNOTAVAIL)
            let full = try #require(try network.localPorts())
            #expect(full.destination == "127.0.0.1:30001")
            #expect((full.taken, full.timeWait, full.range) == (200, 200, 200))

            try network.set("tcp_tw_reuse", "2")
            usleep(1_100_000)
            #expect(try network.localPorts() == nil, "all are old enough")
            #expect(try network.hangUpFirst(atMost: 150) == 150)
            #expect(try network.localPorts()?.taken == 150, "the new ones are too young")
            _ = try network.hangUpFirst(atMost: 300)
            #expect(errno == EADDRNOTAVAIL)
            usleep(1_100_000)
            try network.set("tcp_timestamps", "0")
            #expect(try network.localPorts()?.taken == 200, "without timestamps none may be reused")
        }
    }

    /// A thread belongs to a network namespace, so that it gets one of its own and ends with it.
    private func inNetworkOfItsOwn(_ body: @escaping @Sendable (Network) throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            Thread { continuation.resume(with: Result { try body(Network()) }) }.start()
        }
    }
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
    }

    func set(_ name: String, _ value: String) throws {
        try Data(value.utf8).write(to: URL(fileURLWithPath: "/proc/sys/net/ipv4/\(name)"))
    }

    /// How many connections come about; those that do are closed by the client first, which leaves it in TIME_WAIT.
    func hangUpFirst(atMost count: Int) throws -> Int {
        for made in 0..<count {
            guard let client = try? Loopback.connect(to: address) else { return made }
            let server = accept(listener, nil, nil)
            close(client)
            close(server)
        }
        return count
    }

    func localPorts() throws -> LocalPortReading? {
        var buffer = ReadBuffer()
        var diag = SocketDiag()
        var reader = LocalPortReader(root: "")
        return try reader.read(&buffer, &diag, connections: 100, at: 1)
    }
}
