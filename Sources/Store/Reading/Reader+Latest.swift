import GRDB
import Model

extension Reader {
    /// What was measured last.
    public struct Latest: Sendable {
        /// Every number of that second, by name; sorted. A count is of all that was counted since the database was made.
        public var numbers: [MetricSample]
        /// Every latency since the database was made; sorted by name.
        public var histograms: [HistogramTotal]
    }

    /// The newest numbers and all histograms so far, at one commit. Costs as much as there are metrics, whatever the history.
    public func latest() throws -> Latest {
        try read { _, db in
            var latest = Latest(numbers: [], histograms: [])
            var slots: [SeriesRow.Number] = []
            try db.cachedStatement(sql: Self.latestSQL).rows {
                $0.add(SeriesKey.key(tier: 1, slot: 0))
            } _: { row in
                slots = SeriesRow(decoding: row.bytes(0), plain: true).numbers
            }
            var named: [Int64: (name: String, total: Double?)] = [:]
            try db.cachedStatement(sql: Self.namedSQL).rows { row in
                named[row.int(0)] = (row.text(1), row.isNull(2) ? nil : row.double(2))
            }
            latest.numbers = slots.compactMap { slot in
                named[slot.metric].map { MetricSample($0.name, Double(slot.slot.mean), count: $0.total) }
            }.sorted { $0.metric < $1.metric }
            let all = "SELECT sum_ns, octaves, metric FROM histogram_totals ORDER BY metric LIMIT 1000"
            try db.cachedStatement(sql: all).rows {
                latest.histograms.append(HistogramTotal(metric: $0.text(2), $0))
            }
            return latest
        }
    }

    static let latestSQL =
        "SELECT packed FROM series_rows WHERE tier_slot < ? ORDER BY tier_slot DESC LIMIT 1"

    static let namedSQL = "SELECT id, name, total FROM metrics LEFT JOIN counter_totals ON metric = id"

    /// Type and severity of each open signal, as it is now.
    public func openGrades() throws -> [(type: SignalType, severity: Severity)] {
        try read { _, db in
            var open: [(type: SignalType, severity: Severity)] = []
            try db.cachedStatement(sql: Self.openGradesSQL).rows { row in
                guard let type = SignalType(code: Int(row.int(0))), let severity = Severity(rawValue: Int(row.int(1)))
                else { return }
                open.append((type, severity))
            }
            return open
        }
    }

    static let openGradesSQL =
        "SELECT type, current_severity FROM signals INDEXED BY idx_open WHERE state = 1 LIMIT 10000"
}
