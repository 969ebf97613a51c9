import GRDB
import Model
import Testing

@testable import Store

struct SeriesTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `seconds come back on their grid, and what was not measured is a gap`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        for second in 0..<60 where !(20..<25).contains(second) { writer.submit(tick(second, value: Double(second))) }
        writer.close()
        let points = try series(from: 0, to: 60, step: 1).points
        #expect(points.map(\.mean) == (0..<60).map { (20..<25).contains($0) ? nil : Double($0) })
        let tens = try series(from: 0, to: 60, step: 10)
        #expect(tens.points.map(\.mean) == [4.5, 14.5, 27, 34.5, 44.5, 54.5])
        #expect(tens.points[2].count == 5)
        #expect(tens.points[3].minimum == 30)
        #expect(tens.points[3].maximum == 39)
        #expect(tens.resolution == 10)
    }

    @Test func `percentiles over any step are those of all observations in it`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        var all = LatencyHistogram()
        for second in 0..<400 {
            var histogram = LatencyHistogram()
            histogram.record(UInt64(1000 + second * 977), times: UInt64(1 + second % 5))
            all.merge(histogram)
            writer.submit(
                TickRecord(
                    time: start.advanced(bySeconds: Double(second)), histograms: [HistogramSample("runq", histogram)]))
        }
        writer.close()
        let reader = Reader(path: scratch.database)
        for step in [1, 10, 60, 3600] as [Int64] {
            let query = SeriesQuery(metric: "runq", from: start, to: start.advanced(bySeconds: 400), step: step)
            let series = try #require(try reader.series(query))
            #expect(series.points.reduce(0) { $0 + $1.count } == all.total)
            guard step == 3600 else { continue }
            #expect(series.points[0].percentiles == [50, 95, 99].map { all.percentile($0) })
            let (lowest, highest) = (1000.0, 1000.0 + 399 * 977)
            #expect(abs((series.points[0].minimum ?? 0) / lowest - 1) < 0.0625)
            #expect(abs((series.points[0].maximum ?? 0) / highest - 1) < 0.0625)
        }
    }

    @Test func `compaction changes the place of the samples and not their values`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        for second in 0..<1000 { writer.submit(tick(second, value: Double(second % 4096))) }
        try writer.flush()
        try eventually("three windows are compacted") {
            try look(scratch.database) {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM series_chunks WHERE tier = 0") == 3
            }
        }
        writer.close()
        #expect(try series(from: 0, to: 1000, step: 1).points.map(\.mean) == (0..<1000).map { Double($0 % 4096) })
        let bytes = try look(scratch.database) {
            try Int.fetchOne($0, sql: "SELECT sum(length(packed)) FROM series_chunks WHERE tier = 0") ?? 0
        }
        #expect(bytes <= 900 * 2)
    }

    @Test func `what was filling when the writer died is rebuilt from the finer tier`() throws {
        let first = try Writer(path: scratch.database, configuration: .eager)
        for second in 0..<95 { first.submit(tick(second, value: Double(second))) }
        try first.flush()
        // As a crash leaves it: the files as they are on disk, without a clean end.
        let copy = scratch.path + "/copy.db"
        try run("/bin/cp", scratch.database, copy)
        try run("/bin/cp", scratch.database + "-wal", copy + "-wal")
        first.close()
        let second = try Writer(path: copy, configuration: .eager)
        for value in 95..<3700 { second.submit(tick(value, value: Double(value))) }
        second.close()
        let (tens, minutes, hours) = try look(copy) { db in
            (try row(db, tier: 1, slot: 9), try row(db, tier: 2, slot: 1), try row(db, tier: 3, slot: 0))
        }
        #expect(tens?.mean == 94.5)
        #expect(tens?.count == 10)
        #expect(minutes?.mean == 89.5)
        #expect(minutes?.minimum == 60)
        #expect(hours?.count == 3600)
        #expect(abs((hours?.mean ?? 0) - 1799.5) < 0.01)
    }

    @Test func `an old window is answered from the tier that still has it`() throws {
        var configuration = WriterConfiguration.eager
        configuration.tiers[0].retention = 600
        let writer = try Writer(path: scratch.database, configuration: configuration)
        for second in 0..<3000 { writer.submit(tick(second, value: 7)) }
        try writer.flush()
        try eventually("the oldest seconds are gone") {
            try look(scratch.database) { db in
                let rows = try Int.fetchOne(db, sql: "SELECT count(*) FROM series_rows WHERE tier_slot < 1 << 40") ?? 0
                let chunks = try Int.fetchOne(db, sql: "SELECT count(*) FROM series_chunks WHERE tier = 0") ?? 0
                return rows <= 300 && chunks <= 3
            }
        }
        writer.close()
        let old = try series(from: 0, to: 600, step: 1)
        #expect(old.resolution == 10)
        #expect(old.points.map(\.mean) == Array(repeating: 7, count: 60))
        #expect(try series(from: 2700, to: 3000, step: 1).resolution == 1)
    }

    @Test func `a clock that is set back overwrites and nothing breaks`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        for second in 0..<700 { writer.submit(tick(second, value: 1)) }
        try writer.flush()
        for second in 100..<800 { writer.submit(tick(second, value: 2)) }
        writer.close()
        let means = try series(from: 0, to: 800, step: 1).points.compactMap(\.mean)
        #expect(means.count == 800)
        #expect(means[50] == 1)
        #expect(means[750] == 2)
    }

    @Test func `bad questions are refused and unknown metrics are nil`() throws {
        let writer = try Writer(path: scratch.database, configuration: .eager)
        writer.submit(tick(0, value: 1))
        writer.close()
        let reader = Reader(path: scratch.database)
        let end = Timestamp(nanoseconds: .max)
        for step in [0, -5, 1, Int64.max] as [Int64] {
            #expect(throws: StoreError.self) {
                try reader.series(SeriesQuery(metric: "cpu.busy", from: start, to: end, step: step))
            }
        }
        #expect(try reader.series(SeriesQuery(metric: "nope", from: start, to: end, step: 60)) == nil)
        #expect(try reader.metrics() == [MetricName(name: "cpu.busy", kind: .number)])
    }

    private func tick(_ second: Int, value: Double) -> TickRecord {
        TickRecord(time: start.advanced(bySeconds: Double(second) + 0.25), samples: [MetricSample("cpu.busy", value)])
    }

    private func series(from: Int, to: Int, step: Int64) throws -> Series {
        let query = SeriesQuery(
            metric: "cpu.busy", from: start.advanced(bySeconds: Double(from)),
            to: start.advanced(bySeconds: Double(to)),
            step: step)
        return try #require(try Reader(path: scratch.database).series(query))
    }

    /// A tier's slot, counted from `start`.
    private func row(_ db: Database, tier: Int, slot: Int64) throws -> NumberSlot? {
        let first = start.seconds / SeriesTier.standard[tier].width
        var sum = NumberSum()
        for row in try SeriesRows.rows(db, tier: tier, slots: first + slot...first + slot) {
            for number in row.numbers { sum.add(number.slot) }
        }
        return sum.count == 0 ? nil : sum.slot
    }
}
