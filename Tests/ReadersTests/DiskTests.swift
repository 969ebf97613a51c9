import Model
import Testing

@testable import Readers

struct DiskTests {
    private func sample(_ text: String) throws -> DiskSample { try #require(parse(text, DiskSample.init(parsing:))) }

    @Test func `latency, busy share and queue depth are of what happened in between`() throws {
        let before = try sample("8 0 sda 100 5 2000 300 50 6 800 90 0 250 390\n")
        let after = try sample("8 0 sda 110 5 2080 350 50 6 800 90 4 750 1890\n")
        let disk = try #require(after.rates(since: before, seconds: 2)?.first)
        #expect(disk.name == "sda")
        #expect(disk.seconds == 2)
        #expect(disk.readsPerSecond == 5)
        #expect(disk.readBytesPerSecond == 80 * 512 / 2)
        #expect(disk.readMilliseconds == 5)
        #expect(disk.writeMilliseconds == nil)
        #expect(disk.busy == 0.25)
        #expect(disk.queueDepth == 0.75)
        #expect(disk.inFlight == 4)
    }

    @Test func `a millisecond counter that wraps at 32 bits gives no rate in that tick`() throws {
        let before = try sample("8 0 sda 100 5 2000 4294967290 50 6 800 90 0 250 390\n")
        let wrapped = try sample("8 0 sda 110 5 2080 20 50 6 800 90 0 260 400\n")
        let later = try sample("8 0 sda 120 5 2160 40 50 6 800 90 0 270 410\n")
        #expect(wrapped.rates(since: before, seconds: 1) == [])
        #expect(later.rates(since: wrapped, seconds: 1)?.first?.readMilliseconds == 2)
    }

    @Test func `another disk under the same number is not compared with the one before`() throws {
        let before = try sample("8 0 sda 1 0 0 0 0 0 0 0 0 0 0\n")
        #expect(try sample("8 0 sdb 500 0 0 0 0 0 0 0 0 0 0\n").rates(since: before, seconds: 1) == [])
    }

    @Test func `loop and zram devices are listed only while they work`() throws {
        let before = try sample("7 0 loop0 5 0 9 0 0 0 0 0 0 5 5\n7 1 loop1 5 0 9 0 0 0 0 0 0 5 5\n")
        let after = try sample("7 0 loop0 5 0 9 0 0 0 0 0 0 5 5\n7 1 loop1 6 0 10 0 0 0 0 0 0 5 5\n")
        #expect(after.rates(since: before, seconds: 1)?.map(\.name) == ["loop1"])
    }

    @Test func `whole devices are read and partitions are not`() throws {
        let host = try FakeHost("large")
        var reader = host.reader()
        #expect(reader.read().disks == nil)
        host.advance(seconds: 1)
        let disks = try #require(reader.read().disks)
        #expect(disks.map(\.name) == ["sda", "cciss/c0d0", "dm-0", "nvme0n1"])
        #expect(disks.filter(\.isStacked).map(\.name) == ["dm-0"])
    }

    @Test func `a disk that is pulled out leaves, and one that comes is rated from its second sample on`() throws {
        let host = try FakeHost("small")
        var reader = host.reader()
        _ = reader.read()
        host.advance(seconds: 1)
        #expect(reader.read().disks?.map(\.name) == ["sda"])
        try host.write("/proc/diskstats", "8 16 sdb 1 0 0 0 0 0 0 0 0 0 0\n")
        host.advance(seconds: 1)
        #expect(reader.read().disks == [])
        try host.write("/proc/diskstats", "8 16 sdb 3 0 0 0 0 0 0 0 0 0 0\n")
        host.advance(seconds: 1)
        #expect(reader.read().disks?.first?.readsPerSecond == 2)
    }
}
