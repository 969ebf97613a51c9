import GRDB
import Model
import Testing

@testable import Store

struct RollupTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `after random inserts, changes and deletes every window counts what COUNT counts`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let writer = try Writer(path: scratch.database, configuration: .eager)
        let span = 3.0 * 86400
        var live: [Int64: Episode] = [:]
        var next: Int64 = 1
        for _ in 0..<30 {
            var batch: [Episode] = []
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                if let old = live.values.randomElement(using: &random), Bool.random(using: &random) {
                    var changed = old
                    changed.peak = Grade(
                        severity: Severity.allCases.randomElement(using: &random)!,
                        score: Double.random(in: 0...1, using: &random))
                    live[old.id] = changed
                    batch.append(changed)
                } else {
                    let new = episode(
                        next, SignalType.allCases.randomElement(using: &random)!,
                        Severity.allCases.randomElement(using: &random)!,
                        score: Double.random(in: 0...1, using: &random),
                        at: start.advanced(bySeconds: Double.random(in: 0..<span, using: &random)))
                    next += 1
                    live[new.id] = new
                    batch.append(new)
                }
            }
            writer.submit(TickRecord(time: start, episodes: batch))
            // The same again: nothing may be counted twice.
            if Bool.random(using: &random) { writer.submit(TickRecord(time: start, episodes: batch)) }
            try writer.flush()
        }
        writer.close()
        try run("/usr/bin/sqlite3", scratch.database, "DELETE FROM signals WHERE id % 7 = 0")
        try run("/usr/bin/sqlite3", scratch.database, "UPDATE signals SET severity = 3 WHERE id % 11 = 0")
        let reader = Reader(path: scratch.database)
        for _ in 0..<40 {
            let from = Int64.random(in: 0..<Int64(span), using: &random) / 60 * 60 + start.seconds
            let to = from + Int64.random(in: 0..<Int64(span), using: &random)
            try compare(reader, from, to / 60 * 60)
        }
        try compare(reader, 0, Int64(4e9))
        let all = try look(scratch.database) { try Int64.fetchOne($0, sql: "SELECT count(*) FROM signals") }
        #expect(try reader.health().signalCount == all)
    }

    private func compare(_ reader: Reader, _ from: Int64, _ to: Int64) throws {
        let counts = try reader.counts(
            from: Timestamp(nanoseconds: from * 1_000_000_000), to: Timestamp(nanoseconds: to * 1_000_000_000))
        let rows = try look(scratch.database) { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT type, severity, count(*), sum(peak_score) FROM signals
                    WHERE timestamp >= ? AND timestamp < ? GROUP BY 1, 2
                    """, arguments: [from * 1_000_000_000, to * 1_000_000_000])
        }
        var total: Int64 = 0
        for row in rows {
            let cell = counts[try #require(SignalType(code: row[0])), try #require(Severity(rawValue: row[1]))]
            #expect(cell == SignalCounts.Cell(count: row[2], scoreSum: row[3]))
            total += row[2]
        }
        #expect(counts.total.count == total)
        let severities = try reader.severityCounts(
            from: Timestamp(nanoseconds: from * 1_000_000_000), to: Timestamp(nanoseconds: to * 1_000_000_000))
        #expect(severities.total == counts.total)
        for severity in Severity.allCases { #expect(severities[severity] == counts[severity]) }
    }

    @Test(
        arguments: [
            (0, 60), (60, 60), (59, 61), (0, 86400), (3600, 7200), (3540, 86460), (86340, 176_460), (5, 3),
            (540, 1_926_060), (604_800, 1_209_600), (604_740, 604_860),
        ] as [(Int64, Int64)])
    func `a window is covered by its pieces, each second once`(_ from: Int64, _ to: Int64) {
        let pieces = RollupWindow(from: from, to: to).pieces
        var covered: [Range<Int64>] = []
        for piece in pieces {
            for start in stride(from: piece.starts.lowerBound, to: piece.starts.upperBound, by: Int(piece.span)) {
                #expect(start % piece.span == 0)
                covered.append(start..<start + piece.span)
            }
        }
        covered.sort { $0.lowerBound < $1.lowerBound }
        for (left, right) in zip(covered, covered.dropFirst()) { #expect(left.upperBound == right.lowerBound) }
        #expect(covered.first?.lowerBound ?? from / 60 * 60 == from / 60 * 60)
        if from / 60 < to / 60 { #expect(covered.last?.upperBound == to / 60 * 60) } else { #expect(covered.isEmpty) }
    }

    @Test func `a signal cannot be moved to where the rollups would not see it`() throws {
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: [episode(1)]))
        writer.close()
        let shell = try run("/usr/bin/sqlite3", scratch.database, "UPDATE signals SET timestamp = timestamp + 1")
        #expect(shell.status != 0)
        #expect(shell.output.contains("a signal keeps its id"))
    }
}

/// A generator that gives the same numbers for the same seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
