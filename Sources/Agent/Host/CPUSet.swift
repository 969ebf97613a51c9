/// CPUs by number, written as the kernel writes them: `0-3,8`.
struct CPUSet: Equatable, CustomStringConvertible {
    /// The kernel's own limit (NR_CPUS of large distributions).
    private static let limit = 8192
    private var words = [UInt64](repeating: 0, count: limit / 64)

    init() {}

    init?(_ text: String) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first >= 0,
                last >= first, last < Self.limit
            else { return nil }
            for cpu in first...last { words[cpu / 64] |= 1 << UInt64(cpu % 64) }
        }
    }

    var cpus: [Int] { (0..<Self.limit).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 } }

    func isPart(of other: CPUSet) -> Bool { zip(words, other.words).allSatisfy { $0 & ~$1 == 0 } }

    var description: String {
        var ranges: [ClosedRange<Int>] = []
        for cpu in cpus {
            if let last = ranges.last, last.upperBound == cpu - 1 {
                ranges[ranges.count - 1] = last.lowerBound...cpu
            } else {
                ranges.append(cpu...cpu)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    mutating func withMask(_ body: (UnsafeMutablePointer<UInt64>?, Int) -> Int32) -> Int32 {
        words.withUnsafeMutableBufferPointer { body($0.baseAddress, $0.count * 8) }
    }
}
