import Glibc

/// A distribution of values from zero up, as counts in buckets of equal relative width: it grows with the spread of the
/// values and not with their number, can be merged and aged, and its quantiles are off by 2 % at most.
///
/// The bucket of a value is `⌈log(value) / log γ⌉` with γ = 1.04 (the middle of a bucket is then 2 % from its ends), the
/// rule of Masson, Rim and Lee, "DDSketch" (VLDB 2019). Values below 1e-9, zero included, have a bucket of their own.
public struct ValueSketch: Sendable, Hashable, Codable {
    static let gamma = 1.04
    /// Beyond this many buckets the lowest are joined: 20 decades of values fit in.
    static let mostBuckets = 1200

    /// Weight of the values that are zero for all purposes.
    private var zero: Float = 0
    /// The first bucket that is stored, and the weights from there on.
    private var first = 0
    private var weights: [Float] = []

    public init() {}

    /// The weight of all values: their number, less what has been aged away.
    public var count: Double { weights.reduce(Double(zero)) { $0 + Double($1) } }

    /// Adds one value. What is not finite or below zero is left out.
    public mutating func add(_ value: Double) {
        guard value.isFinite, value >= 0 else { return }
        if value < 1e-9 { return zero += 1 }
        raise(Self.bucket(of: value), by: 1)
    }

    /// Adds what another sketch holds.
    public mutating func merge(_ other: ValueSketch) {
        zero += other.zero
        for (offset, weight) in other.weights.enumerated() where weight > 0 {
            raise(other.first + offset, by: weight)
        }
    }

    /// Makes all that was added so far count less: `factor` of what it did (0–1). What has faded away is dropped.
    public mutating func age(by factor: Double) {
        let factor = Float(min(max(factor, 0), 1))
        func aged(_ weight: Float) -> Float { weight * factor < 0.01 ? 0 : weight * factor }
        zero = aged(zero)
        for index in weights.indices { weights[index] = aged(weights[index]) }
        while weights.last == 0 { weights.removeLast() }
        let empty = weights.prefix { $0 == 0 }.count
        weights.removeFirst(empty)
        first = weights.isEmpty ? 0 : first + empty
    }

    /// The value below which a share of all values lies (0–1), or `nil` when there are none.
    public func quantile(_ share: Double) -> Double? {
        let total = count
        guard total > 0 else { return nil }
        let target = min(max(share, 0), 1) * total
        var below = Double(zero)
        if zero > 0, target <= below { return 0 }
        var last = 0.0
        for (offset, weight) in weights.enumerated() where weight > 0 {
            below += Double(weight)
            last = Self.middle(of: first + offset)
            if below >= target { return last }
        }
        return last
    }

    /// The mean and the standard deviation of the values, or `nil` when there are none.
    public var moments: (mean: Double, deviation: Double)? {
        let total = count
        guard total > 0 else { return nil }
        var sum = 0.0
        var squares = 0.0
        for (offset, weight) in weights.enumerated() {
            let value = Self.middle(of: first + offset)
            sum += Double(weight) * value
            squares += Double(weight) * value * value
        }
        let mean = sum / total
        return (mean, max(0, squares / total - mean * mean).squareRoot())
    }

    private mutating func raise(_ bucket: Int, by weight: Float) {
        if weights.isEmpty {
            first = bucket
            weights = [0]
        }
        if bucket < first {
            // Beyond the limit the value goes into the lowest bucket there is.
            let missing = min(first - bucket, Self.mostBuckets - weights.count)
            weights.insert(contentsOf: repeatElement(0, count: missing), at: 0)
            first -= missing
        } else if bucket >= first + weights.count {
            weights.append(contentsOf: repeatElement(0, count: bucket - first - weights.count + 1))
            let surplus = weights.count - Self.mostBuckets
            if surplus > 0 {
                let joined = weights[..<surplus].reduce(0, +)
                weights.removeFirst(surplus)
                weights[0] += joined
                first += surplus
            }
        }
        weights[max(bucket, first) - first] += weight
    }

    private static func bucket(of value: Double) -> Int { Int((log(value) / log(gamma)).rounded(.up)) }

    private static func middle(of bucket: Int) -> Double { 2 * pow(gamma, Double(bucket)) / (1 + gamma) }
}
