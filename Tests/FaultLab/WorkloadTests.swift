import ChildProcess
import Glibc
import Testing

/// What the programs of the FaultLab measure of themselves.
@Suite struct WorkloadTests {
    @Test func `a client says how long it has waited for a connection while it still waits`() throws {
        // Nobody accepts: two connections fill the queue, and what comes after them is not answered.
        let listener = try loopback { bind($0, $1, $2) }
        defer { close(listener.socket) }
        #expect(listen(listener.socket, 1) == 0)
        var others: [Int32] = []
        defer { others.forEach { close($0) } }
        for _ in 0..<2 {
            others.append(try loopback(port: listener.port) { connect($0, $1, $2) }.socket)
        }

        let log = "/tmp/kernelsight-client-\(getpid())"
        defer { unlink(log) }
        let client = try ChildProcess(
            ChildProcess.ours("faultlab-workload"), ["client", String(listener.port), "50"], log: log)
        defer { client.stop() }
        let deadline = ContinuousClock.now + .seconds(20)
        var waits: [Double] = []
        while waits.count < 2, ContinuousClock.now < deadline {
            usleep(50_000)
            waits = client.output.split(separator: "\n").filter { $0.hasPrefix("latency ") }
                .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
        }
        try #require(waits.count >= 2, "it said: \(client.output)")
        #expect(waits[0] >= 1000)
        #expect(waits[1] > waits[0])
    }

    private func loopback(
        port: UInt16 = 0, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws -> (socket: Int32, port: UInt16) {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var size = socklen_t(MemoryLayout.size(ofValue: address))
        try withUnsafeMutablePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(use(file, $0, size) == 0)
                _ = getsockname(file, $0, &size)
            }
        }
        return (file, port == 0 ? UInt16(bigEndian: address.sin_port) : port)
    }
}
