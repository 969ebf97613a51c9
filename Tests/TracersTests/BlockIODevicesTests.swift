import Glibc
import Model
import Testing

@testable import Tracers

struct BlockIODevicesTests {
    private static let words = 3 + 80 + 4 * 265
    /// Nothing has this number.
    private static let nowhere: UInt32 = 4000 << 20 | 77

    private func words(
        depth: UInt64, arrivals: UInt64, found: UInt64, depths: [Int: UInt64], reads: [Int: UInt64] = [:]
    )
        -> [UInt64]
    {
        var words = [UInt64](repeating: 0, count: Self.words)
        (words[0], words[1], words[2]) = (depth, arrivals, found)
        for (bucket, count) in depths { words[3 + bucket] = count }
        words[83] = 4096 * reads.values.reduce(0, +)
        for (bucket, count) in reads { words[84 + bucket] = count }
        return words
    }

    @Test func `a tick's numbers are what was added since the last one`() throws {
        var devices = BlockIODevices()
        let first = words(depth: 2, arrivals: 10, found: 20, depths: [3: 10], reads: [100: 8])
        _ = devices.advance(to: [Self.nowhere: first])
        let second = words(depth: 0, arrivals: 14, found: 30, depths: [3: 10, 5: 4], reads: [100: 8, 120: 6])
        let device = try #require(devices.advance(to: [Self.nowhere: second]).first)
        #expect(device.flows[.read]?.requests == 6)
        #expect(device.flows[.read]?.bytes == 6 * 4096)
        #expect(device.flows[.read]?.latency.maximum == LatencyHistogram.midpoint(ofBucket: 120))
        #expect(device.flows[.write] == nil)
        #expect(device.maximumDepth == 5)
        #expect(device.meanDepth == 2.5)
        #expect(device.name == "4000:77")
    }

    @Test func `a queue that nothing joined and nothing left is as deep as it was`() throws {
        var devices = BlockIODevices()
        let standing = words(depth: 7, arrivals: 7, found: 21, depths: [1: 1, 2: 1, 7: 5])
        _ = devices.advance(to: [Self.nowhere: standing])
        let device = try #require(devices.advance(to: [Self.nowhere: standing]).first)
        #expect(device.depth == 7 && device.maximumDepth == 7 && device.meanDepth == 7)
    }

    @Test func `a device that is gone, and an idle loop device, are left out`() {
        var devices = BlockIODevices()
        let idle = words(depth: 0, arrivals: 4, found: 0, depths: [1: 4], reads: [90: 4])
        let loop: UInt32 = 7 << 20
        #expect(devices.advance(to: [loop: idle, Self.nowhere: idle]).count == 2)
        #expect(devices.advance(to: [loop: idle, Self.nowhere: idle]).isEmpty)
    }

    @Test func `a map that the kernel does not show gives no numbers, not zero`() {
        #expect(BlockIODeviceMap(descriptor: -1, room: 4).read() == nil)
    }

    @Test func `a completion's status becomes the errno that the kernel makes of it`() {
        #expect(BlockIOStatus.errno(0) == 0)
        #expect(BlockIOStatus.errno(10) == EIO)
        #expect(BlockIOStatus.errno(2) == ETIMEDOUT)
        #expect(BlockIOStatus.errno(200) == EIO)
        #expect(BlockIOStatus.errno(-ENOSPC) == ENOSPC)
    }
}
