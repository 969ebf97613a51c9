import GRDB
import Model

/// Where the samples of one metric are: the tiers, finest first.
struct SeriesSource {
    let tiers: [SeriesTier]
    private let metric: Int64
    private let kind: MetricName.Kind
    private let db: Database
    /// The second of the newest tick.
    private let last: Int64

    static let chunksSQL = """
        SELECT window, packed FROM series_chunks WHERE metric = ? AND tier = ? AND window >= ? AND window <= ?
        """
    static let rowsSQL = "SELECT tier_slot, packed FROM series_rows WHERE tier_slot >= ? AND tier_slot < ?"

    init(metric: Int64, kind: MetricName.Kind, _ db: Database) throws {
        self.metric = metric
        self.kind = kind
        self.db = db
        var tiers: [SeriesTier] = []
        try db.cachedStatement(sql: "SELECT width, retention FROM series_tiers ORDER BY tier").rows {
            tiers.append(SeriesTier(width: $0.int(0), retention: $0.int(1)))
        }
        self.tiers = tiers
        var last: Int64 = 0
        try db.cachedStatement(sql: "SELECT last_tick FROM store_state").rows { last = $0.int(0) / 1_000_000_000 }
        self.last = last
    }

    /// The coarsest tier that still shows the step and still holds the start; if none holds both, the finest that holds the
    /// start; else the one that is kept longest.
    func tier(from: Int64, step: Int64) -> Int? {
        let holding = tiers.indices.filter { from >= last - tiers[$0].retention }
        let fine = holding.filter { tiers[$0].width <= step }
        return fine.last { step % tiers[$0].width == 0 } ?? fine.last ?? holding.first ?? tiers.indices.last
    }

    /// Adds a tier's slots to the grid, and what its unfinished slot will hold from the finer ones.
    func read(tier: Int, seconds: Range<Int64>, into grid: inout SeriesGrid) throws {
        let width = tiers[tier].width
        let unfinished = max(seconds.lowerBound, last / width * width)
        let finished = tier == 0 ? seconds : seconds.lowerBound..<min(seconds.upperBound, unfinished)
        if !finished.isEmpty { try slots(tier: tier, seconds: finished, into: &grid) }
        if tier > 0, unfinished < seconds.upperBound {
            try read(tier: tier - 1, seconds: unfinished..<seconds.upperBound, into: &grid)
        }
    }

    private func slots(tier: Int, seconds: Range<Int64>, into grid: inout SeriesGrid) throws {
        let width = tiers[tier].width
        let slots = (seconds.lowerBound / width)..<((seconds.upperBound + width - 1) / width)
        let length = Int64(SeriesChunk.slots)
        try db.cachedStatement(sql: Self.chunksSQL).rows {
            $0.add(metric)
            $0.add(tier)
            $0.add(slots.lowerBound / length)
            $0.add((slots.upperBound - 1) / length)
        } _: { row in
            guard let chunk = SeriesChunk(decoding: row.bytes(1)) else { return }
            let start = row.int(0) * length
            for (index, position) in chunk.positions.enumerated() where slots.contains(start + Int64(position)) {
                let second = (start + Int64(position)) * width
                switch chunk.values {
                case .plain(let values), .numbers(let values): grid.add(values[index], at: second)
                case .histograms(let values): grid.add(values[index], at: second)
                }
            }
        }
        try db.cachedStatement(sql: Self.rowsSQL).rows {
            $0.add(SeriesKey.key(tier: tier, slot: slots.lowerBound))
            $0.add(SeriesKey.key(tier: tier, slot: slots.upperBound))
        } _: { row in
            let second = SeriesKey.slot(ofKey: row.int(0)) * width
            switch kind {
            case .number:
                if let slot = SeriesRow.number(metric, in: row.bytes(1), plain: tier == 0) {
                    grid.add(slot, at: second)
                }
            case .histogram:
                if let histogram = SeriesRow.histogram(metric, in: row.bytes(1)) { grid.add(histogram, at: second) }
            }
        }
    }
}

/// The points of an answer while they fill.
struct SeriesGrid {
    /// Seconds: multiples of `step`.
    let start: Int64
    let end: Int64
    let step: Int64
    private var numbers: [NumberSum] = []
    private var histograms: [LatencyHistogram] = []

    init(from: Int64, to: Int64, step: Int64, kind: MetricName.Kind) throws {
        self.step = step
        start = max(0, from) / step * step
        let count = max(0, max(0, to) - start + step - 1) / step
        guard count <= Reader.maximumPoints else {
            throw StoreError.invalid(
                "\(count) points are asked for, \(Reader.maximumPoints) may be: take a longer step")
        }
        end = start + count * step
        switch kind {
        case .number: numbers = Array(repeating: NumberSum(), count: Int(count))
        case .histogram: histograms = Array(repeating: LatencyHistogram(), count: Int(count))
        }
    }

    mutating func add(_ slot: NumberSlot, at second: Int64) {
        let index = Int((second - start) / step)
        if second >= start, numbers.indices.contains(index) { numbers[index].add(slot) }
    }

    mutating func add(_ histogram: SparseHistogram, at second: Int64) {
        let index = Int((second - start) / step)
        if second >= start, histograms.indices.contains(index) { histogram.merge(into: &histograms[index]) }
    }

    func points(percentiles: [Double], octaves: Bool) -> [Series.Point] {
        var points: [Series.Point] = []
        points.reserveCapacity(numbers.count + histograms.count)
        for (index, sum) in numbers.enumerated() {
            var point = Series.Point(time: time(index))
            if sum.count > 0 {
                point.mean = sum.mean
                point.minimum = Double(sum.minimum)
                point.maximum = Double(sum.maximum)
                point.count = UInt64(sum.count)
            }
            points.append(point)
        }
        for (index, histogram) in histograms.enumerated() {
            var point = Series.Point(time: time(index))
            point.count = histogram.total
            if point.count > 0 {
                var sum = 0.0
                for (bucket, count) in histogram.counts.enumerated() where count > 0 {
                    sum += Double(count) * Double(LatencyHistogram.midpoint(ofBucket: bucket))
                }
                point.mean = sum / Double(point.count)
                point.minimum = histogram.percentile(0).map { Double($0) }
                point.maximum = histogram.maximum.map { Double($0) }
                point.percentiles = percentiles.compactMap(histogram.percentile)
                if octaves { point.octaves = histogram.octaves }
            }
            points.append(point)
        }
        return points
    }

    private func time(_ index: Int) -> Timestamp {
        Timestamp(nanoseconds: (start + Int64(index) * step) * 1_000_000_000)
    }
}
