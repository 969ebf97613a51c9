import Glibc
import Model
import Testing

@testable import Readers

struct ProcessTests {
    private func stat(_ tree: String, _ pid: Int) throws -> ProcessStat {
        try #require(try FakeHost(tree).bytes("/proc/\(pid)/stat").withUnsafeBytes { ProcessStat(parsing: $0) })
    }

    @Test func `a name may hold parentheses, newlines and invalid UTF-8`() throws {
        let stat = try stat("small", 77)
        #expect(stat.comm == "odd) S 9 (\nname \u{FFFD}\u{FFFD}")
        #expect(stat.state == "S")
        #expect(stat.parent == 1)
        #expect(stat.identity == ProcessIdentity(pid: 77, startTicks: 2000))
        #expect(stat.cpuTicks == 525)
        #expect(stat.residentPages == 900)
    }

    @Test func `kernel threads are told by their flag`() throws {
        #expect(try stat("small", 2).isKernelThread)
        #expect(try !stat("small", 1).isKernelThread)
    }

    @Test func `a task without a process group is read`() {
        let text = "5 (x) X 1 -1 -1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 0 0 9 0 0 0 0"
        #expect(parse(text, ProcessStat.init(parsing:))?.processGroup == -1)
    }

    @Test func `who asked to come last says so by nice value or policy`() throws {
        func comesLast(nice: Int, policy: Int) throws -> Bool {
            let text =
                "5 (x) S 1 5 5 0 -1 4194560 0 0 0 0 0 0 0 0 20 \(nice) 1 0 9 0 3 18446744073709551615 1 1 0 0 0 0 0 4096 "
                + "1256 0 0 0 17 1 0 \(policy) 0 0 0\n"
            return try #require(parse(text, ProcessStat.init(parsing:))).priority.comesLast
        }
        #expect(try comesLast(nice: 10, policy: 0))
        #expect(try comesLast(nice: 19, policy: 3))
        #expect(try comesLast(nice: 0, policy: 5))
        #expect(try !comesLast(nice: 9, policy: 0))
        #expect(try !comesLast(nice: -5, policy: 3))
        #expect(try !comesLast(nice: 19, policy: 1), "a real-time task goes by another number")
    }

    @Test func `the cgroup is the unified one, or the cpu controller's where only v1 has one`() {
        #expect(parse("1:cpu:/old\n0::/system.slice/a.service\n", CgroupPath.parse) == "/system.slice/a.service")
        #expect(parse("4:memory:/m\n2:cpuset:/s\n1:cpu,cpuacct:/a:b/c\n0::/\n", CgroupPath.parse) == "/a:b/c")
        #expect(parse("4:memory:/m\n1:cpu,cpuacct:/\n0::/\n", CgroupPath.parse) == "/m")
        #expect(parse("0::/\n", CgroupPath.parse) == "/")
        #expect(parse("nonsense", CgroupPath.parse) == nil)
    }

    @Test func `bytes that were written and cut off again are not counted`() {
        let text = "read_bytes: 10\nwrite_bytes: 100\ncancelled_write_bytes: 30\n"
        #expect(parse(text, ProcessIO.init(parsing:))?.writeBytes == 70)
        #expect(parse("rchar: 9000\n" + text, ProcessIO.init(parsing:))?.readCallBytes == 9000)
    }

    @Test func `shared pages are the third number of statm`() {
        #expect(parse("5000 900 300 12 0 400 0\n", ProcessMemory.sharedPages(parsing:)) == 300)
        #expect(parse("5000\n", ProcessMemory.sharedPages(parsing:)) == nil)
    }

    @Test func `what is in swap is a line of status, in kilobytes`() {
        let text = "Name:\tjava\nVmPTE:\t  44 kB\nVmSwap:\t  2048 kB\nThreads:\t3\n"
        #expect(parse(text, ProcessMemory.swappedBytes(parsing:)) == 2 << 20)
        #expect(parse("Name:\tkthreadd\nThreads:\t1\n", ProcessMemory.swappedBytes(parsing:)) == nil)
    }

    @Test func `what a process has in swap is read while pages come back from swap`() throws {
        let host = try FakeHost("large")
        try host.writeProcess(10, ticks: 100)
        try host.write("/proc/10/status", "Name:\tworker\nVmSwap:\t 4 kB\n")
        var reader = host.reader()
        func swapped(ticks: Int) throws -> UInt64? {
            host.advance(seconds: 1)
            try host.writeProcess(10, ticks: ticks)
            return reader.read().processes?.first { $0.identity.pid == 10 }?.swappedBytes
        }
        _ = reader.read()
        #expect(try swapped(ticks: 200) == 0)
        try host.replace("/proc/vmstat", "pswpin 1000", "pswpin 1001")
        #expect(try swapped(ticks: 300) == 4096)
    }

    @Test func `a large process says how much of its memory is shared`() throws {
        let size = 64 << 20
        let memory = try #require(mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, size) }
        memset(memory, 1, size)
        var reader = HostReader()
        var own: ProcessReading?
        let deadline = ContinuousClock.now + .seconds(20)
        while own?.sharedBytes ?? 0 < UInt64(size), ContinuousClock.now < deadline {
            own = reader.read(watching: [getpid()]).processes?.first { $0.identity.pid == getpid() }
        }
        #expect(own.map { $0.sharedBytes >= UInt64(size) && $0.sharedBytes <= $0.residentBytes } == true)
    }

    @Test func `rates are over the time between two looks`() throws {
        let host = try FakeHost("large")
        try host.writeProcess(10, ticks: 100, written: 0)
        var reader = host.reader()
        #expect(reader.read().processes == nil)
        host.advance(seconds: 2)
        try host.writeProcess(10, ticks: 400, minor: 20, major: 4, pages: 3, written: 1000)
        let process = try #require(reader.read().processes?.first)
        #expect(isClose(process.cpuShare, 300 / Double(sysconf(Int32(_SC_CLK_TCK))) / 2))
        #expect(process.minorFaultsPerSecond == 10)
        #expect(process.majorFaultsPerSecond == 2)
        #expect(process.residentBytes == 3 * UInt64(sysconf(Int32(_SC_PAGESIZE))))
        #expect(process.cgroup == "/app")
        #expect(process.writeBytesPerSecond == nil)
        host.advance(seconds: 2)
        try host.writeProcess(10, ticks: 400, written: 5000)
        #expect(reader.read().processes?.first?.writeBytesPerSecond == nil, "faults went backwards")
        host.advance(seconds: 2)
        try host.writeProcess(10, ticks: 400, written: 9000)
        #expect(reader.read().processes?.first?.writeBytesPerSecond == 2000)
    }

    @Test func `what a child wrote is not its parent's when the kernel adds it to the parent's count`() throws {
        let host = try FakeHost("large")
        var reader = host.reader()
        func written(by pid: Int32) -> Double? {
            host.advance(seconds: 1)
            return reader.read().processes?.first { $0.identity.pid == pid }?.writeBytesPerSecond
        }
        try host.writeProcess(10, comm: "sh", written: 500)
        try host.writeProcess(11, comm: "dd", written: 0, parent: 10)
        for _ in 0..<2 { _ = written(by: 10) }
        try host.writeProcess(11, comm: "dd", written: 1_000_000, parent: 10)
        #expect(written(by: 11) == 1_000_000)
        try host.end(11)
        // What the child did since it was looked at last, and what the parent did itself.
        try host.writeProcess(10, comm: "sh", written: 500 + 1_000_000 + 70_000 + 30)
        #expect(written(by: 10) == 70_030)
        try host.writeProcess(10, comm: "sh", written: 500 + 1_000_000 + 70_000 + 90)
        #expect(written(by: 10) == 60)
    }

    @Test func `a worker that leads a session of its own is told apart from what a shell starts`() throws {
        let host = try FakeHost("large")
        try host.writeProcess(10, comm: "fio")
        try host.writeProcess(11, comm: "fio", parent: 10, flags: 4_194_560 | 0x40)
        try host.writeProcess(12, comm: "fio", parent: 10)
        var reader = host.reader()
        _ = reader.read()
        host.advance(seconds: 1)
        let workers = Dictionary(
            uniqueKeysWithValues: try #require(reader.read().processes).map { ($0.identity.pid, $0.workerOf) })
        #expect(workers[10] == 0)
        #expect(workers[11] == 10)
        #expect(workers[12] == 0)
    }

    @Test func `a pid that is reused is another process`() throws {
        let host = try FakeHost("large")
        try host.writeProcess(10, ticks: 100, start: 500)
        var reader = host.reader()
        _ = reader.read()
        host.advance(seconds: 1)
        try host.writeProcess(10, ticks: 900, start: 700)
        #expect(reader.read().processes == [])
        host.advance(seconds: 1)
        try host.writeProcess(10, ticks: 910, start: 700)
        let process = try #require(reader.read().processes?.first)
        #expect(process.identity.startTicks == 700)
        #expect(isClose(process.cpuShare, 0.1))
    }

    @Test func `a process that ends leaves`() throws {
        let host = try FakeHost("large")
        try host.writeProcess(10)
        try host.writeProcess(11)
        var reader = host.reader()
        _ = reader.read()
        host.advance(seconds: 1)
        #expect(Set(reader.read().processes?.map(\.identity.pid) ?? []) == [10, 11])
        try host.end(10)
        host.advance(seconds: 1)
        let reading = reader.read()
        #expect(reading.processes?.map(\.identity.pid) == [11])
        #expect(reading.readers.last?.error == nil)
    }

    @Test func `nothing is remembered of processes that ended`() throws {
        let host = try FakeHost("large")
        for pid in Int32(100)..<150 { try host.writeProcess(pid) }
        var buffer = ReadBuffer()
        var reader = ProcessReader(root: host.root, limits: ProcessLimits(visitsPerTick: 20, detailed: 4))
        for tick in UInt64(1)...4 {
            _ = try reader.read(&buffer, at: tick * 1_000_000_000, watching: [], swapping: false)
        }
        #expect(reader.known.count == 50)
        for pid in Int32(100)..<149 { try host.end(pid) }
        for tick in UInt64(5)...14 {
            _ = try reader.read(&buffer, at: tick * 1_000_000_000, watching: [], swapping: false)
        }
        #expect(Array(reader.known.keys) == [149])
    }

    @Test func `with more processes than visits a round takes several ticks, and the top is seen in every one`() throws
    {
        let host = try FakeHost("large")
        for pid in Int32(100)..<200 { try host.writeProcess(pid, pages: 0) }
        var reader = host.reader(ProcessLimits(visitsPerTick: 30, detailed: 4))
        var ticks = 0
        func work() throws {
            ticks += 50
            try host.writeProcess(150, ticks: ticks, pages: 0)
            host.advance(seconds: 1)
        }
        var seen = 0
        while reader.read().processes?.contains(where: { $0.identity.pid == 150 }) != true {
            try work()
            seen += 1
            try #require(seen <= 9, "two rounds of four ticks, and one to spare")
        }
        for _ in 0..<6 {
            try work()
            let processes = try #require(reader.read().processes)
            #expect(processes.map(\.identity.pid) == [150])
            #expect(isClose(processes.first?.cpuShare, 0.5))
        }
    }

    @Test func `a process that wakes up after a long sleep is found within four rounds`() throws {
        let host = try FakeHost("large")
        for pid in Int32(10)..<20 { try host.writeProcess(pid, pages: 0) }
        var reader = host.reader()
        for _ in 0..<8 {
            _ = reader.read()
            host.advance(seconds: 1)
        }
        try host.writeProcess(13, ticks: 100, pages: 0)
        var found: [ProcessReading] = []
        for _ in 0..<4 {
            found += reader.read().processes ?? []
            host.advance(seconds: 1)
        }
        #expect(found.map(\.identity.pid).contains(13))
        #expect((0.2...1).contains(found.first?.cpuShare ?? 0), "over the time since it was visited last")
    }

    @Test func `a process that the tracers point at is looked at in that tick`() throws {
        let host = try FakeHost("large")
        for pid in Int32(100)..<200 { try host.writeProcess(pid, pages: 0) }
        var reader = host.reader(ProcessLimits(visitsPerTick: 1, detailed: 4))
        _ = reader.read(watching: [180, 99_999])
        host.advance(seconds: 1)
        #expect(reader.read(watching: [180, 99_999]).processes?.map(\.identity.pid) == [180])
    }

    @Test func `each kind of consumer gets its places`() {
        func process(_ pid: Int32, _ change: (inout ProcessReading) -> Void) -> ProcessReading {
            var reading = ProcessReading(identity: ProcessIdentity(pid: pid, startTicks: 1), comm: "p")
            change(&reading)
            return reading
        }
        var readings = (Int32(1)...20).map { pid in process(pid) { $0.cpuShare = Double(pid) / 100 } }
        readings.append(process(30) { $0.majorFaultsPerSecond = 1 })
        readings.append(process(31) { $0.minorFaultsPerSecond = 900 })
        readings.append(process(40) { $0.writeBytesPerSecond = 5 })
        readings.append(process(41) { $0.state = "D" })
        readings.append(process(50) { $0.residentBytes = 5 })
        readings.append(process(60) { _ in })
        let chosen = ProcessSelection.choose(from: readings, watching: [7], count: 12).map { readings[$0].identity.pid }
        #expect(chosen == [7, 20, 19, 18, 30, 31, 40, 41, 50, 17, 16, 15])
    }
}
