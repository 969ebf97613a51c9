import CLinux
import Testing

@testable import Readers

/// The ports that one address has in use towards one destination, counted from lists made by hand.
@Suite struct LocalPortTests {
    private func socket(
        _ state: SocketDiag.State = .timeWait, from local: (UInt64, UInt64), to remote: (UInt64, UInt64),
        _ port: UInt16 = 80, expires: UInt32 = 30_000
    ) -> clinux_tcp_socket {
        clinux_tcp_socket(
            local: local, remote: remote, inode: 0, expires_ms: expires, local_port: 40_000, remote_port: port,
            state: state.rawValue)
    }

    private func address(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> (UInt64, UInt64) {
        (0, (0xFFFF << 32 | a << 24 | b << 16 | c << 8 | d).bigEndian)
    }

    private var own: (UInt64, UInt64) { address(10, 0, 0, 5) }
    private var other: (UInt64, UInt64) { address(10, 0, 0, 9) }
    private var loopback: (UInt64, UInt64) { address(127, 0, 0, 1) }

    @Test func `the destination with the most ports in use is told, each on its own`() throws {
        var use = LocalPortUse(range: 40_000...40_099, reuse: TimeWaitReuse(whose: .nobody))
        for _ in 0..<30 { use.add(socket(from: own, to: other, 80)) }
        for _ in 0..<40 { use.add(socket(from: own, to: other, 5432)) }
        for _ in 0..<5 { use.add(socket(.established, from: own, to: other, 5432)) }
        for _ in 0..<35 { use.add(socket(from: loopback, to: other, 5432)) }
        let fullest = try #require(use.fullest)
        #expect(fullest.source == "10.0.0.5")
        #expect(fullest.destination == "10.0.0.9:5432")
        #expect(fullest.taken == 45)
        #expect(fullest.timeWait == 40)
        #expect(fullest.share == 0.45)
        #expect(LocalPortUse(range: 1...2, reuse: use.reuse).fullest == nil)
    }

    @Test func `what connect may take is not held against the range`() {
        let path = (own: own, other: other)
        func frees(_ whose: TimeWaitReuse.Whose, _ socket: clinux_tcp_socket) -> Bool {
            TimeWaitReuse(whose: whose).frees(socket)
        }
        #expect(frees(.everybody, socket(from: path.own, to: path.other, expires: 58_900)))
        #expect(!frees(.everybody, socket(from: path.own, to: path.other, expires: 59_100)), "too young")
        #expect(!frees(.everybody, socket(.finWait2, from: path.own, to: path.other)))
        #expect(!frees(.everybody, socket(.established, from: path.own, to: path.other, expires: 0)))
        #expect(!frees(.loopback, socket(from: path.own, to: path.other)))
        #expect(frees(.loopback, socket(from: loopback, to: loopback)))
        #expect(frees(.loopback, socket(from: (0, UInt64(1).bigEndian), to: (0, UInt64(1).bigEndian))))
        #expect(!frees(.nobody, socket(from: loopback, to: loopback)))
    }

    @Test func `addresses are written as people write them`() {
        #expect(IPAddress(own).textBeforePort == "10.0.0.5")
        #expect(IPAddress(((UInt64(0xFD00) << 48).bigEndian, UInt64(9).bigEndian)).textBeforePort == "[fd00::9]")
    }

    @Test func `the range is two numbers`() {
        #expect(parse("32768\t60999\n", LocalPortReader.range(parsing:)) == 32_768...60_999)
        #expect(parse("60999 32768\n", LocalPortReader.range(parsing:)) == nil)
        #expect(parse("1 70000\n", LocalPortReader.range(parsing:)) == nil)
    }
}
