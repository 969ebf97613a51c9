import Detection
import Model
import Testing

@testable import Readers

/// From the files of a host to its signals: whatever happens to the counters of a host where nothing is wrong, nothing above
/// low may come of it.
@Suite struct NoFalseSignalTests {
    @Test(arguments: [1, 64]) func `a host with one core and one with sixty-four that work a little are quiet`(
        cores: Int
    ) throws {
        let machine = try Machine(cores: cores)
        for _ in 0..<30 { try machine.tick() }
        #expect(machine.loud.isEmpty)
        #expect(machine.last?.host.cpu?.cores.count == cores)
        #expect(isClose(machine.last?.host.cpu?.total.busy, 0.2, within: 0.02))
    }

    @Test(arguments: [1, 64]) func `a full CPU is told from a host that has room, whatever its cores`(cores: Int) throws
    {
        let machine = try Machine(cores: cores)
        machine.running = 8
        machine.cpuStall = 0.5
        for _ in 0..<10 { try machine.tick() }
        // Eight tasks are too many for one core, and few for sixty-four.
        #expect(machine.types == (cores == 1 ? [.loadMismatch] : []))
        #expect(machine.loud.isEmpty, "nobody is known to suffer")
    }

    @Test func `counters that begin anew are no burst`() throws {
        let machine = try Machine(cores: 4)
        for _ in 0..<5 { try machine.tick() }
        machine.elapsed = 0
        for _ in 0..<5 { try machine.tick() }
        #expect(machine.seen.isEmpty)
    }

    @Test func `counters that wrap at 32 bits are no burst`() throws {
        let machine = try Machine(cores: 4, offset: UInt64(UInt32.max) - 3000)
        for _ in 0..<5 { try machine.tick() }
        machine.wraps = true
        for _ in 0..<5 { try machine.tick() }
        #expect(machine.seen.isEmpty)
    }

    @Test func `devices and interfaces that come and go are no errors and no congestion`() throws {
        let machine = try Machine(cores: 4)
        for round in 0..<24 {
            machine.devices = round % 4 < 2 ? ["sda", "sdb"] : ["sda"]
            machine.interfaces = round % 6 < 3 ? ["eth0"] : ["eth0", "veth9"]
            // Unplugged, and another one in its place.
            if round == 12 { machine.elapsed = 0 }
            try machine.tick()
        }
        #expect(machine.seen.isEmpty)
    }

    @Test func `without PSI and without swap there is no signal, and what cannot be told is said`() throws {
        let machine = try Machine(cores: 1, hasPressure: false, hasSwap: false)
        for _ in 0..<10 { try machine.tick() }
        #expect(machine.seen.isEmpty)
        #expect(machine.detector.blindness[.loadMismatch] != nil)
        #expect(machine.detector.blindness[.swapThrashing] == nil)
    }

    @Test func `two ticks that are late are rates over the time that passed`() throws {
        let machine = try Machine(cores: 4)
        for seconds in [1, 1, 2.9, 3.4, 1, 0.1, 0.2, 1, 1] { try machine.tick(after: seconds) }
        #expect(machine.seen.isEmpty)
        #expect(isClose(machine.last?.host.disks?.first?.writesPerSecond, 20, within: 1))
    }

    @Test func `a clock that steps a day forth and back opens and closes nothing`() throws {
        let machine = try Machine(cores: 1)
        machine.running = 8
        machine.cpuStall = 0.5
        for _ in 0..<5 { try machine.tick() }
        let open = machine.detector.open.map(\.id)
        #expect(open.count == 1)
        for step in [86_400.0, -86_400, -86_400, 86_400] {
            machine.wallClock += step
            for _ in 0..<5 { try machine.tick() }
        }
        #expect(machine.detector.open.map(\.id) == open)
        #expect(machine.types == [.loadMismatch])
    }
}

/// A host in files whose counters run as those of a host do that has little to do, read by the real readers, watched by the
/// real rules.
private final class Machine {
    private let host: FakeHost
    private var reader: HostReader
    private let cores: Int
    var detector = Detector(nextID: 1)
    var last: Tick?
    /// Everything that a step returned.
    var seen: [Episode] = []

    /// Seconds since the counters began.
    var elapsed = 1000.0
    /// Added to all counters but those of time.
    private let offset: UInt64
    /// Whether they are cut to 32 bits.
    var wraps = false
    var wallClock = 1_764_000_000.0
    var running = 1
    var cpuStall = 0.01
    var devices = ["sda"]
    var interfaces = ["eth0"]
    private let hasPressure: Bool
    private let hasSwap: Bool
    private var stalled = 0.0

    init(cores: Int, offset: UInt64 = 0, hasPressure: Bool = true, hasSwap: Bool = true) throws {
        self.cores = cores
        self.offset = offset
        self.hasPressure = hasPressure
        self.hasSwap = hasSwap
        host = try FakeHost(cores == 1 ? "small" : "large")
        reader = host.reader()
        try tick(after: 0)
    }

    var loud: [Episode] { seen.filter { $0.peak.severity > .low } }
    var types: Set<SignalType> { Set(seen.map(\.key.type)) }

    func tick(after seconds: Double = 1) throws {
        elapsed += seconds
        wallClock += seconds
        stalled += cpuStall * seconds
        host.advance(seconds: seconds)
        try write()
        var reading = reader.read()
        reading.sockets = nil  // of the host that the test runs on
        let tick = Tick(
            time: Timestamp(nanoseconds: Int64(wallClock * 1e9)), interval: seconds, uptime: elapsed, cores: cores,
            host: reading, processes: ProcessActivity.merge(traced: [], read: reading.processes ?? []))
        last = tick
        seen += detector.step(tick)
    }

    private func count(_ perSecond: Double) -> UInt64 {
        let value = UInt64(perSecond * elapsed) + offset
        return wraps ? value & UInt64(UInt32.max) : value
    }

    private func write() throws {
        // One part in five busy, in ticks of 10 ms.
        let (busy, idle) = (UInt64(20 * elapsed), UInt64(80 * elapsed))
        var stat = "cpu  \(busy * UInt64(cores)) 0 0 \(idle * UInt64(cores)) 0 0 0 0 0 0\n"
        for core in 0..<cores { stat += "cpu\(core) \(busy) 0 0 \(idle) 0 0 0 0 0 0\n" }
        stat += "ctxt \(count(900))\nprocesses \(count(2))\nprocs_running \(running)\nprocs_blocked 0\n"
        try host.write("/proc/stat", stat)
        try host.write(
            "/proc/diskstats",
            devices.enumerated().map { minor, name in
                "   8 \(minor * 16) \(name) \(count(5)) 0 \(count(80)) \(count(5)) \(count(20)) 0 \(count(640)) "
                    + "\(count(40)) 0 \(count(30)) \(count(45)) 0 0 0 0 0 0\n"
            }.joined())
        try host.write(
            "/proc/net/dev",
            "Inter-| Receive | Transmit\n face |bytes packets\n"
                + interfaces.map {
                    "\($0): \(count(9000)) \(count(90)) 0 0 0 0 0 0 \(count(9000)) \(count(80)) 0 0 0 0 0 0\n"
                }.joined())
        try host.write(
            "/proc/vmstat",
            """
            workingset_refault_anon \(count(0))
            workingset_refault_file \(count(2))
            pswpin \(count(0))
            pswpout \(count(0))
            allocstall_normal \(count(0))
            pgfault \(count(3000))
            pgmajfault \(count(1))
            pgsteal_direct \(count(0))
            pgscan_kswapd \(count(50))
            pgscan_direct \(count(0))
            oom_kill \(count(0))

            """)
        try host.write(
            "/proc/meminfo",
            """
            MemTotal:       8000000 kB
            MemFree:         500000 kB
            MemAvailable:   2000000 kB
            Buffers:          10000 kB
            Cached:         3000000 kB
            Active:         2500000 kB
            Inactive:       1500000 kB
            SwapTotal:      \(hasSwap ? 4_000_000 : 0) kB
            SwapFree:       \(hasSwap ? 1_000_000 : 0) kB
            Dirty:             1000 kB
            Writeback:            0 kB
            AnonPages:      3000000 kB
            Slab:            300000 kB

            """)
        guard hasPressure else { return }
        for (resource, total) in [("cpu", stalled), ("memory", 0), ("io", 0.01 * elapsed)] {
            try host.write(
                "/proc/pressure/\(resource)",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=\(UInt64(total * 1e6))\n"
                    + "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        }
    }
}
