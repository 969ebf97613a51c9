/// Repeated measurements of one thing. Machines are noisy: the median is quoted, the extremes are shown.
public struct Samples: Sendable {
    public private(set) var values: [Double]

    /// Takes measurements in any order; there must be at least one.
    public init(_ values: [Double]) { self.values = values.sorted() }

    /// The middle value, or the mean of the two in the middle.
    public var median: Double {
        guard !values.isEmpty else { return .nan }
        let middle = values.count / 2
        return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
    }

    public var minimum: Double { values.first ?? .nan }
    public var maximum: Double { values.last ?? .nan }
}

/// A line of a benchmark's result: what was measured, against what, and the bar.
public struct Figure: Sendable, Codable {
    public enum Bar: Sendable, Codable, Equatable {
        case atMost(Double)
        case atLeast(Double)

        func isMet(by value: Double) -> Bool {
            switch self {
            case .atMost(let limit): value <= limit
            case .atLeast(let limit): value >= limit
            }
        }

        var text: String {
            switch self {
            case .atMost(let limit): "≤ \(short(limit))"
            case .atLeast(let limit): "≥ \(short(limit))"
            }
        }
    }

    public var name: String
    public var value: Double
    public var unit: String
    public var bar: Bar?
    /// What the value was computed from.
    public var detail: String
    /// What single rounds gave for the value, in their order; empty where it was measured once.
    public var rounds: [Double]
    /// The value of each run that was kept. From run to run a machine drifts by more than rounds scatter.
    public var runs: [Double]

    public init(
        _ name: String, _ value: Double, _ unit: String, bar: Bar? = nil, rounds: [Double] = [], detail: String
    ) {
        self.name = name
        self.rounds = rounds.filter(\.isFinite)
        runs = [value].filter(\.isFinite)
        self.value = value
        self.unit = unit
        self.bar = bar
        self.detail = detail
    }

    /// `syscall, added by syscall_tracer ÷ bpftrace: 0.43 (bar ≤ 0.5, met) · 312 ns against 725 ns`.
    public var line: String {
        let verdict = bar.map { " (bar \($0.text), \($0.isMet(by: value) ? "met" : "MISSED"))" } ?? ""
        return "\(name): \(short(value))\(unit.isEmpty ? "" : " \(unit)")\(verdict) · \(detail)"
    }
}

extension Figure {
    /// The mean of what something took, in milliseconds, with the tail beside it.
    static func mean(_ name: String, _ milliseconds: [Double], atMost bar: Double? = nil, _ more: String...) -> Figure {
        let sorted = milliseconds.sorted()
        func percentile(_ part: Int) -> String {
            sorted.isEmpty ? "?" : short(sorted[min(sorted.count * part / 100, sorted.count - 1)])
        }
        func mean(_ part: some Collection<Double>) -> Double { part.reduce(0, +) / Double(max(part.count, 1)) }
        // A tenth of them at a time, in their order: single ones scatter far more than their mean does.
        let tenth = milliseconds.count / 10
        let rounds = tenth == 0 ? [] : (0..<10).map { mean(milliseconds[($0 * tenth)..<(($0 + 1) * tenth)]) }
        return Figure(
            "\(name), mean", mean(milliseconds), "ms", bar: bar.map(Bar.atMost), rounds: rounds,
            detail: (["p95 \(percentile(95)), p99 \(percentile(99)) ms", "\(sorted.count) times"] + more)
                .joined(separator: ", "))
    }
}

/// What a piece of work takes, in milliseconds.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock.now
    try body()
    return (ContinuousClock.now - clock).milliseconds
}

extension Duration {
    var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }
}

/// Three significant digits or so.
func short(_ value: Double) -> String {
    guard value.isFinite else { return "?" }
    let scale: Double = abs(value) >= 100 ? 1 : abs(value) >= 10 ? 10 : abs(value) >= 1 ? 100 : 1000
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
}

/// Why a benchmark could not run, and what to do.
public struct BenchmarkFailure: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}
