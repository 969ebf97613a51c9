import Foundation
import Glibc
import Model
import Testing

@testable import Readers

/// Against the kernel that the tests run on. No privilege is needed. Sockets are those of the whole host, so that other
/// programs' are among them: a test waits for a moment in which nobody else opens or closes one.
@Suite(.serialized) struct RealHostTests {
    /// Reads until what is found satisfies, for at most ninety seconds: after a load connections by the thousand leave TIME_WAIT for
    /// a minute.
    private func poll(
        _ reader: inout HostReader, until satisfied: (HostReading) -> Bool
    ) -> Bool {
        let deadline = MonotonicClock.now() + 90_000_000_000
        while MonotonicClock.now() < deadline {
            if satisfied(reader.read()) { return true }
            usleep(20_000)
        }
        return false
    }

    @Test func `every reader finds its source`() throws {
        var reader = HostReader()
        _ = reader.read()
        var reading = HostReading()
        // A core without a clock tick between two readings has no shares.
        let online = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let isComplete = poll(&reader) {
            reading = $0
            return $0.cpu?.cores.count == online
        }
        #expect(isComplete)
        for timing in reading.readers where timing.name != "pressure" { #expect(timing.error == nil) }
        let cpu = try #require(reading.cpu)
        for shares in [cpu.total] + cpu.cores.values {
            let sum =
                shares.user + shares.nice + shares.system + shares.idle + shares.iowait + shares.irq + shares.softirq
                + shares.steal
            #expect(isClose(sum, 1, within: 1e-6))
        }
        let memory = try #require(reading.memory)
        #expect(memory.total == UInt64(sysconf(Int32(_SC_PHYS_PAGES))) * UInt64(sysconf(Int32(_SC_PAGESIZE))))
        #expect(reading.interfaces?.contains { $0.name == "lo" } == true)
        #expect(reading.vm != nil)
        #expect(reading.tcp != nil)
        let whole = try FileManager.default.contentsOfDirectory(atPath: "/sys/block")
        let disks = try #require(reading.disks)
        #expect(Set(disks.map(\.name)).isSubset(of: whole))
    }

    @Test func `this process is found with its own numbers`() throws {
        var reader = HostReader()
        let own = getpid()
        _ = reader.read(watching: [own])
        var found: ProcessReading?
        // A sweep that took long rests longer, and meanwhile there is none.
        let deadline = MonotonicClock.now() + 20_000_000_000
        while found == nil, MonotonicClock.now() < deadline {
            let start = MonotonicClock.now()
            var sum: UInt64 = 0
            while MonotonicClock.now() < start + 300_000_000 { sum &+= 1 }
            found = reader.read(watching: [own]).processes?.first { $0.identity.pid == own }
        }
        let process = try #require(found)
        #expect(process.cpuShare > 0.1)
        #expect(process.parent == getppid())
        #expect(process.processGroup == getpgrp())
        #expect(process.session == getsid(0))
        #expect(!process.isKernelThread)
        #expect(process.residentBytes > 1 << 20)
        let comm = try String(contentsOfFile: "/proc/self/comm", encoding: .utf8).dropLast()
        #expect(process.comm == comm)
    }

    @Test func `listening sockets of both families are counted`() throws {
        var reader = HostReader()
        var listeners: [Int32] = []
        for _ in 0..<25 { listeners.append(try Loopback.listen(AF_INET).descriptor) }
        for _ in 0..<10 { listeners.append(try Loopback.listen(AF_INET6).descriptor) }
        defer { listeners.forEach { close($0) } }
        #expect(poll(&reader) { agrees($0) { $0.listen >= 35 } })
    }

    @Test func `established, CLOSE_WAIT, FIN_WAIT2 and TIME_WAIT follow what connections do`() throws {
        var reader = HostReader()
        let (listener, address) = try Loopback.listen(AF_INET)
        defer { close(listener) }
        var clients: [Int32] = []
        var servers: [Int32] = []
        for _ in 0..<50 {
            clients.append(try Loopback.connect(to: address))
            servers.append(accept(listener, nil, nil))
        }
        #expect(poll(&reader) { agrees($0) { $0.established >= 100 } })
        clients.forEach { shutdown($0, Int32(SHUT_WR)) }
        #expect(poll(&reader) { agrees($0) { $0.closeWait >= 50 && $0.finWait2 >= 50 } })
        servers.forEach { close($0) }
        #expect(poll(&reader) { agrees($0) { $0.timeWait >= 50 } })
        clients.forEach { close($0) }
    }

    @Test func `orphans in FIN_WAIT2 are not taken for TIME_WAIT`() throws {
        var reader = HostReader()
        // Before there are any: they go after a minute themselves.
        #expect(poll(&reader) { agrees($0) { _ in true } })
        let (listener, address) = try Loopback.listen(AF_INET)
        defer { close(listener) }
        var servers: [Int32] = []
        for _ in 0..<20 {
            let client = try Loopback.connect(to: address)
            servers.append(accept(listener, nil, nil))
            close(client)
        }
        #expect(poll(&reader) { agrees($0) { $0.finWait2 >= 20 } })
        // Resets both ends, so that nothing is left behind.
        for server in servers {
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(server, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            close(server)
        }
    }

    @Test func `who does not close what its peers have closed is found by its descriptors`() throws {
        var reader = HostReader()
        let (listener, address) = try Loopback.listen(AF_INET)
        defer { close(listener) }
        let servers = try (0..<60).map { _ in
            close(try Loopback.connect(to: address))
            return accept(listener, nil, nil)
        }
        #expect(
            poll(&reader) {
                guard let owner = $0.sockets?.closeWaitOwner else { return false }
                return owner.identity.pid == getpid() && owner.count >= 60 && owner.share > 0.25
            })
        servers.forEach { close($0) }
        #expect(poll(&reader) { $0.sockets?.closeWaitOwner == nil })
    }

    @Test func `the kernel lists only sockets with a local port in the range`() throws {
        var diag = SocketDiag()
        let (listener, address) = try Loopback.listen(AF_INET)
        let client = try Loopback.connect(to: address)
        let server = accept(listener, nil, nil)
        defer { [client, server, listener].forEach { close($0) } }
        let port = UInt16(bigEndian: address.sin_port)
        let found = try diag.list([.established], ports: port...port, into: []) { $0.append($1) }
        #expect(found.map(\.local_port) == [port])
        #expect(found.map { IPAddress($0.local).text } == ["127.0.0.1"])
        let all = try diag.list([.established], into: []) { $0.append($1) }
        #expect(all.contains { $0.remote_port == port } && all.contains { $0.local_port == port })
    }

    /// Whether the sockets are as `/proc/net/tcp` lists them, and are as the test left them.
    private func agrees(_ reading: HostReading, _ isExpected: (SocketReading) -> Bool) -> Bool {
        guard var sockets = reading.sockets, isExpected(sockets) else { return false }
        sockets.closeWaitOwner = nil
        return sockets == Loopback.socketsByProc()
    }

    @Test func `a retransmit-free transfer moves the loopback counters`() throws {
        var reader = HostReader()
        _ = reader.read()
        let (listener, address) = try Loopback.listen(AF_INET)
        let client = try Loopback.connect(to: address)
        let server = accept(listener, nil, nil)
        var received = [UInt8](repeating: 0, count: 65_536)
        for _ in 0..<16 {
            #expect(send(client, received, received.count, 0) == received.count)
            #expect(recv(server, &received, received.count, Int32(MSG_WAITALL)) == received.count)
        }
        for descriptor in [client, server, listener] { close(descriptor) }
        let reading = reader.read()
        let loopback = try #require(reading.interfaces?.first { $0.name == "lo" })
        #expect(loopback.receivedBytesPerSecond > 0)
        #expect(loopback.receivedBytesPerSecond == loopback.sentBytesPerSecond)
        #expect(try #require(reading.tcp).outSegmentsPerSecond > 0)
    }
}

enum Loopback {
    struct Failure: Error { var code = errno }

    /// The independent count: every socket is listed, its state is the fourth column.
    static func socketsByProc() -> SocketReading {
        var states: [Substring: Int] = [:]
        var buffer = ReadBuffer()
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            // Not String(contentsOfFile:), which stops at the first page of such a file.
            var file = ProcFile(path)
            let text = (try? file.read(&buffer) { String(decoding: $0, as: UTF8.self) }) ?? ""
            for line in text.split(separator: "\n").dropFirst() {
                states[line.split(separator: " ")[3], default: 0] += 1
            }
        }
        var reading = SocketReading()
        reading.established = states["01"] ?? 0
        reading.synSent = states["02"] ?? 0
        reading.synReceived = states["03"] ?? 0
        reading.finWait1 = states["04"] ?? 0
        reading.finWait2 = states["05"] ?? 0
        reading.timeWait = states["06"] ?? 0
        reading.close = states["07"] ?? 0
        reading.closeWait = states["08"] ?? 0
        reading.lastAck = states["09"] ?? 0
        reading.listen = states["0A"] ?? 0
        reading.closing = states["0B"] ?? 0
        return reading
    }

    /// A listener on a free port.
    static func listen(_ family: Int32) throws -> (descriptor: Int32, address: sockaddr_in) {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0, Glibc.listen(descriptor, 128) == 0 else { throw Failure() }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { throw Failure() }
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return (descriptor, address)
    }

    static func connect(to address: sockaddr_in) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = address
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, result == 0 else { throw Failure() }
        return descriptor
    }
}
