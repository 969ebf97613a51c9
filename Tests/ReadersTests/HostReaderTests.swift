import Foundation
import Model
import Testing

@testable import Readers

struct HostReaderTests {
    @Test func `the first sweep has what is true at a moment and no rates`() throws {
        let host = try FakeHost("small")
        var reader = host.reader()
        let reading = reader.read()
        #expect(
            reading.load == LoadReading(oneMinute: 0.15, fiveMinutes: 1.21, fifteenMinutes: 12.5, running: 1, total: 93)
        )
        #expect(reading.memory?.available == 600_000 << 10)
        #expect(reading.memory?.active == 250_000 << 10)
        #expect(reading.memory?.swapUsedShare == 0)
        #expect(reading.cpu == nil)
        #expect(reading.tcp == nil)
    }

    @Test func `a kernel without PSI says how to get it, and the other readers go on`() throws {
        let host = try FakeHost("small")
        var reader = host.reader()
        _ = reader.read()
        try host.replace("/proc/stat", "cpu  1000", "cpu  1090")
        try host.replace("/proc/stat", "cpu0 1000", "cpu0 1090")
        try host.replace("/proc/stat", "8000 50", "8010 50")
        host.advance(seconds: 1)
        let reading = reader.read()
        #expect(reading.pressure == nil)
        let timing = try #require(reading.readers.first { $0.name == "pressure" })
        #expect(timing.error?.contains("psi=1") == true)
        #expect(isClose(reading.cpu?.total.user, 0.9))
        #expect(reading.cpu?.cores.count == 1)
        #expect(reading.readers.filter { $0.error != nil }.map(\.name) == ["pressure"])
    }

    @Test func `every file may be missing on its own`() throws {
        let host = try FakeHost("large")
        let sources = [
            "cpu": "stat", "load": "loadavg", "pressure": "pressure/io", "memory": "meminfo", "vm": "vmstat",
            "disks": "diskstats", "interfaces": "net/dev", "tcp": "net/netstat", "sockets": "net/sockstat",
            "locks": "locks",
            "local_ports": "sys/net/ipv4/ip_local_port_range",
        ]
        for (name, file) in sources {
            let content = try host.bytes("/proc/" + file)
            try host.remove("/proc/" + file)
            var reader = host.reader()
            let failed = reader.read(fileLocks: true).readers.filter { $0.error != nil }
            #expect(failed.map(\.name) == [name])
            #expect(failed.first?.error?.contains(host.root + "/proc/" + file) == true)
            try host.write("/proc/" + file, String(decoding: content, as: UTF8.self))
            #expect(reader.read(fileLocks: true).readers.allSatisfy { $0.error == nil }, "it is found once it is there")
        }
    }

    @Test func `a root without anything fails everywhere but in sock_diag, and does not crash`() throws {
        var reader = HostReader(root: "/nowhere")
        let reading = reader.read(fileLocks: true)
        #expect(reading.readers.count == 13)
        // What looks closer at sockets has no counts to go by.
        let silent = reading.readers.filter { $0.error == nil }
        #expect(silent.map(\.name) == ["local_ports", "close_wait"])
    }

    @Test func `a file that is no longer in the kernel's format is an error and no crash`() throws {
        let host = try FakeHost("small")
        var reader = host.reader()
        try host.write("/proc/stat", "garbage\n")
        #expect(reader.read().readers.first?.error?.contains("format") == true)
    }

    @Test func `after a tick without a sample the rate is over the whole time`() throws {
        let host = try FakeHost("small")
        var reader = host.reader()
        _ = reader.read()
        let vmstat = String(decoding: try host.bytes("/proc/vmstat"), as: UTF8.self)
        try host.write("/proc/vmstat", "")
        host.advance(seconds: 1)
        #expect(reader.read().vm == nil)
        try host.write("/proc/vmstat", vmstat.replacingOccurrences(of: "pgfault 100000", with: "pgfault 100600"))
        host.advance(seconds: 2)
        let vm = reader.read().vm
        #expect(vm?.faultsPerSecond == 200)
        // What happened in the tick that has none is counted, too.
        #expect(vm?.seconds == 3)
        var tick = Tick(time: Timestamp(nanoseconds: 0), interval: 2, uptime: 1, cores: 1)
        tick.host.vm = vm
        #expect(tick.metricSamples.first { $0.metric == "vm.faults" }?.count == 600)
    }

    @Test func `64 cores, swap and reclaim are read`() throws {
        let host = try FakeHost("large")
        var reader = host.reader()
        _ = reader.read()
        let stat = String(decoding: try host.bytes("/proc/stat"), as: UTF8.self)
        try host.write(
            "/proc/stat",
            stat.split(separator: "\n").map { line in
                line.hasPrefix("cpu")
                    ? line.replacingOccurrences(of: " 8000 ", with: " 8100 ").replacingOccurrences(
                        of: " 512000 ", with: " 518400 ") : String(line)
            }.joined(separator: "\n"))
        try host.replace("/proc/pressure/memory", "total=2000000", "total=2100000")
        host.advance(seconds: 1)
        let reading = reader.read()
        #expect(reading.cpu?.cores.count == 64)
        #expect(reading.cpu?.total.idle == 1)
        #expect(reading.cpu?.running == 70)
        #expect(isClose(reading.pressure?.memory.some, 0.1))
        #expect(reading.memory?.swapUsedShare == 0.75)
        #expect(reading.vm?.allocationStallsPerSecond == 0)
        #expect(
            reading.interfaces?.map(\.name).sorted() == [
                "br-0123456789ab", "enp3s0.100@if2", "eth0", "lo", "wg:0", "xü",
            ])
    }

    @Test func `a file larger than the buffer is read whole`() throws {
        let host = try FakeHost("large")
        let lines = (0..<3000).map { "    if\($0):\($0) 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n" }
        try host.write("/proc/net/dev", lines.joined())
        var reader = host.reader()
        _ = reader.read()
        host.advance(seconds: 1)
        #expect(reader.read().interfaces?.count == 3000)
    }

    @Test func `a reader that used too much CPU time rests, however slow it was otherwise`() {
        var cycle = DutyCycle()
        cycle.ran(at: 1_000_000_000, cpu: 19_000_000)
        #expect(cycle.rest(at: 1_100_000_000) == 0)
        cycle.ran(at: 1_000_000_000, cpu: 300_000_000)
        #expect(cycle.rest(at: 2_000_000_000) == 14_000_000_000)
        #expect(cycle.rest(at: 16_000_000_000) == 0)
    }
}
