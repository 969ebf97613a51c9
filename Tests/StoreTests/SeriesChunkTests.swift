import Model
import Testing

@testable import Store

struct SeriesChunkTests {
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `numbers come back within 12 significant bits, gaps as gaps`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let positions = (0..<SeriesChunk.slots).filter { _ in Int.random(in: 0..<10, using: &random) > 0 }
        let slots = positions.map { _ in
            let value = Float.random(in: -1e9...1e9, using: &random) * (Bool.random(using: &random) ? 1 : 1e-12)
            return NumberSlot(
                mean: value, minimum: value - 1, maximum: value * 2, count: UInt32.random(in: 0...60, using: &random))
        }
        let chunk = SeriesChunk(positions: positions, values: .numbers(slots))
        let decoded = try #require(decode(chunk.encoded))
        #expect(decoded.positions == positions)
        guard case .numbers(let values) = decoded.values else { throw Unexpected() }
        for (value, slot) in zip(values, slots) {
            #expect(abs(value.mean - slot.mean) <= abs(slot.mean) / 4096)
            #expect(abs(value.maximum - slot.maximum) <= abs(slot.maximum) / 4096)
            #expect(value.count == slot.count)
        }
    }

    @Test func `whole numbers up to 4096, zero and extremes are exact or as large as can be`() throws {
        let exact: [Float] = [0, 1, -1, 2, 3, 4095, 4096, -4096, 0.5, 0.25]
        let chunk = SeriesChunk(positions: Array(exact.indices), values: .plain(exact.map { NumberSlot($0) }))
        #expect(decode(chunk.encoded) == chunk)
        let extreme: [Float] = [.leastNonzeroMagnitude, 1e38, -1e38, .leastNormalMagnitude]
        let decoded = decode(
            SeriesChunk(positions: [0, 1, 2, 3], values: .plain(extreme.map { NumberSlot($0) })).encoded)
        guard case .plain(let values)? = decoded?.values else { throw Unexpected() }
        for (value, wanted) in zip(values, extreme) {
            #expect(abs(value.mean - wanted) <= max(abs(wanted) / 4096, 1e-38))
        }
    }

    @Test func `histograms come back exactly`() throws {
        var random = SplitMix(state: 9)
        let histograms = (0..<SeriesChunk.slots).map { _ in
            var histogram = LatencyHistogram()
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                histogram.record(
                    UInt64.random(in: 0...1 << 36, using: &random),
                    times: UInt64.random(in: 1...1 << 40, using: &random))
            }
            return SparseHistogram(histogram)
        }
        let chunk = SeriesChunk(positions: Array(0..<SeriesChunk.slots), values: .histograms(histograms))
        #expect(decode(chunk.encoded) == chunk)
    }

    @Test func `a noisy second takes at most two bytes and a quiet one none`() {
        var random = SplitMix(state: 4)
        let positions = Array(0..<SeriesChunk.slots)
        func size(_ value: (Int) -> Double) -> Double {
            let slots = positions.map { NumberSlot(Float(value($0))) }
            return Double(SeriesChunk(positions: positions, values: .plain(slots)).encoded.count)
                / Double(positions.count)
        }
        #expect(size { _ in 0.3 * Double.random(in: 0.8...1.2, using: &random) } <= 2)
        #expect(size { _ in Double.random(in: 100...100_000, using: &random) } <= 2.1)
        #expect(size { _ in 24_105_123_840 } < 0.05)
    }

    @Test func `damaged bytes are refused or read, never a crash`() {
        var random = SplitMix(state: 11)
        let slots = (0..<SeriesChunk.slots).map { NumberSlot(Float($0 % 7)) }
        let whole = SeriesChunk(positions: Array(slots.indices), values: .numbers(slots)).encoded
        for _ in 0..<2000 {
            var bytes = Array(whole.prefix(Int.random(in: 0...whole.count, using: &random)))
            for _ in 0..<3 where !bytes.isEmpty {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = decode(bytes)
            bytes.withUnsafeBytes { raw in
                _ = SeriesRow(decoding: raw, plain: false)
                _ = SeriesRow.histogram(3, in: raw)
            }
        }
    }

    @Test func `a packed row comes back, whole and one metric at a time`() {
        var histogram = LatencyHistogram()
        histogram.record(1_000_000, times: 3)
        var row = SeriesRow()
        row.numbers = [3, 4, 900].map { SeriesRow.Number(metric: $0, slot: NumberSlot(Float($0) * 1.5)) }
        row.histograms = [5, 77].map { SeriesRow.Histogram(metric: $0, histogram: SparseHistogram(histogram)) }
        row.encoded(plain: true).withUnsafeBytes { bytes in
            #expect(SeriesRow(decoding: bytes, plain: true) == row)
            #expect(SeriesRow.number(4, in: bytes, plain: true) == NumberSlot(6))
            #expect(SeriesRow.number(5, in: bytes, plain: true) == nil)
            #expect(SeriesRow.histogram(77, in: bytes) == SparseHistogram(histogram))
            #expect(SeriesRow.histogram(6, in: bytes) == nil)
        }
    }

    @Test func `each tick has its second, whatever the phase`() {
        for phase in [0.0, 0.0005, 0.5, 0.9995] {
            var clock = SlotClock()
            var seconds: [Int64] = []
            for tick in 0..<100 where tick != 50 {
                let jitter = tick % 2 == 0 ? 0.0007 : -0.0007
                seconds.append(clock.second(for: start.advanced(bySeconds: Double(tick) + phase + jitter)))
            }
            let first = seconds[0]
            #expect(seconds == (0..<100).filter { $0 != 50 }.map { first + Int64($0) })
        }
        var clock = SlotClock()
        _ = clock.second(for: start)
        #expect(clock.second(for: start.advanced(bySeconds: -3600)) == start.seconds - 3600)
    }

    private struct Unexpected: Error {}

    private func decode(_ bytes: [UInt8]) -> SeriesChunk? { bytes.withUnsafeBytes { SeriesChunk(decoding: $0) } }
}
