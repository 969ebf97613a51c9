import Foundation
import GRDB
import Model

/// Adds each batch's histograms to what has been counted since the database was made.
struct HistogramTotals {
    private var totals: [String: HistogramTotal] = [:]
    private let upsert: Statement

    init(_ db: Database) throws {
        upsert = try db.makeStatement(sql: "INSERT OR REPLACE INTO histogram_totals VALUES (?, ?, ?)")
        try db.cachedStatement(sql: "SELECT sum_ns, octaves, metric FROM histogram_totals").rows {
            totals[$0.text(2)] = HistogramTotal(metric: $0.text(2), $0)
        }
    }

    mutating func write(_ ticks: [Batch.Tick]) throws {
        var changed: Set<String> = []
        for sample in ticks.lazy.flatMap(\.histograms) where !sample.isPart {
            totals[sample.metric, default: HistogramTotal(metric: sample.metric)].add(sample.histogram)
            changed.insert(sample.metric)
        }
        for metric in changed {
            guard let total = totals[metric] else { continue }
            try upsert.run {
                $0.add(metric)
                $0.add(Int64(bitPattern: total.sumNanoseconds))
                $0.add("\(total.octaves)")
            }
        }
    }
}

/// What has been counted of one metric since the database was made.
public struct HistogramTotal: Sendable {
    public var metric: String
    /// Of the buckets' midpoints: at most 6.25 % off.
    public var sumNanoseconds: UInt64 = 0
    /// Observations by power of two, see `LatencyHistogram.octaves`.
    public var octaves: [UInt64] = []

    init(metric: String) { self.metric = metric }

    /// What stands in a row; a damaged one counts from nothing.
    init(metric: String, _ row: Columns) {
        self.metric = metric
        guard let octaves = try? JSONDecoder().decode([UInt64].self, from: Data(row.bytes(1))), octaves.count <= 64
        else { return }
        // Ten thousand threads in blocking calls fill 63 bits in eleven days.
        sumNanoseconds = UInt64(bitPattern: row.int(0))
        self.octaves = octaves
    }

    mutating func add(_ histogram: LatencyHistogram) {
        for (bucket, count) in histogram.counts.enumerated() where count > 0 {
            sumNanoseconds &+= count &* LatencyHistogram.midpoint(ofBucket: bucket)
        }
        for (octave, count) in histogram.octaves.enumerated() {
            if octave == octaves.count { octaves.append(0) }
            octaves[octave] &+= count
        }
    }
}
