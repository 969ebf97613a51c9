/// Counts of latencies in buckets whose width grows with the value: eight per power of two, so that a bucket's
/// midpoint is at most 6.25 % away from any value in it.
///
/// The layout is `bpf/include/histogram.h`'s: values below 8 ns have a bucket each; a value of exponent `e`
/// (2^e ≤ v < 2^(e+1)) falls into bucket `(e − 2) · 8 + (v >> (e − 3)) & 7`. The last bucket takes everything from 2^35 ns
/// (34 s) on.
public struct LatencyHistogram: Hashable, Sendable {
    /// Buckets of every histogram, in the kernel and here.
    public static let bucketCount = 264
    /// log2 of the buckets per power of two.
    static let subBits = 3

    /// Observations per bucket; empty as long as nothing has been counted, else `bucketCount` long.
    public private(set) var counts: [UInt64]

    /// Nothing counted.
    public init() { counts = [] }

    /// Takes counts in the kernel's layout; shorter input is padded, longer input is cut.
    public init(counts: some Collection<UInt64>) {
        self.counts = Array(counts.prefix(Self.bucketCount))
        if !self.counts.isEmpty {
            self.counts.append(contentsOf: repeatElement(0, count: Self.bucketCount - self.counts.count))
        }
    }

    /// The bucket that a latency in nanoseconds falls into.
    public static func bucket(of nanoseconds: UInt64) -> Int {
        guard nanoseconds >= 8 else { return Int(nanoseconds) }
        let exponent = 63 - nanoseconds.leadingZeroBitCount
        let index = (exponent - 2) << subBits | Int(nanoseconds >> UInt64(exponent - subBits)) & 7
        return min(index, bucketCount - 1)
    }

    /// The smallest value of a bucket, in nanoseconds.
    public static func lowerBound(ofBucket bucket: Int) -> UInt64 {
        guard bucket >= 8 else { return UInt64(bucket) }
        let exponent = bucket >> subBits + 2
        return UInt64(8 + bucket & 7) << UInt64(exponent - subBits)
    }

    /// The middle of a bucket, in nanoseconds: what a percentile in it is reported as.
    public static func midpoint(ofBucket bucket: Int) -> UInt64 {
        guard bucket >= 8 else { return UInt64(bucket) }
        return lowerBound(ofBucket: bucket) + (lowerBound(ofBucket: bucket + 1) - lowerBound(ofBucket: bucket)) / 2
    }

    /// Counts one latency.
    public mutating func record(_ nanoseconds: UInt64, times: UInt64 = 1) {
        add(times, toBucket: Self.bucket(of: nanoseconds))
    }

    /// Adds to one bucket; a bucket that does not exist is ignored.
    public mutating func add(_ times: UInt64, toBucket bucket: Int) {
        guard (0..<Self.bucketCount).contains(bucket) else { return }
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.bucketCount) }
        counts[bucket] += times
    }

    /// Adds another histogram's counts.
    public mutating func merge(_ other: LatencyHistogram) {
        guard !other.counts.isEmpty else { return }
        guard !counts.isEmpty else {
            counts = other.counts
            return
        }
        for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
    }

    /// All observations.
    public var total: UInt64 { counts.reduce(0, +) }

    /// Whether nothing has been counted.
    public var isEmpty: Bool { counts.allSatisfy { $0 == 0 } }

    /// The value below which `percent` (0–100) of the observations lie, nearest rank, as the midpoint of its bucket in
    /// nanoseconds; `nil` when nothing has been counted.
    public func percentile(_ percent: Double) -> UInt64? {
        let total = self.total
        guard total > 0 else { return nil }
        let rank = max(1, UInt64((Double(total) * min(max(percent, 0), 100) / 100).rounded(.up)))
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() {
            seen += count
            if seen >= rank { return Self.midpoint(ofBucket: bucket) }
        }
        return nil
    }

    /// The midpoint of the highest bucket in use, in nanoseconds.
    public var maximum: UInt64? { counts.lastIndex { $0 > 0 }.map(Self.midpoint(ofBucket:)) }

    /// Observations per power of two: the `n`th of those with 2^n ≤ ns < 2^(n+1); 0 ns counts as 1, and the last has all above.
    public var octaves: [UInt64] {
        var octaves = Array(repeating: UInt64(0), count: Self.bucketCount >> Self.subBits + 2)
        for (bucket, count) in counts.enumerated() where count > 0 {
            octaves[63 - max(1, Self.lowerBound(ofBucket: bucket)).leadingZeroBitCount] += count
        }
        return octaves
    }

    /// Observations at or above a latency, counted from the bucket that holds it.
    public func count(atLeast nanoseconds: UInt64) -> UInt64 {
        counts.dropFirst(Self.bucket(of: nanoseconds)).reduce(0, +)
    }
}
