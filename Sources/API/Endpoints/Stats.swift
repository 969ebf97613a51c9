import Model
import Store

extension Service {
    /// `GET /api/stats`: counts of all signals by type, and of the last hour's by severity.
    func stats(_ parameters: inout Parameters) throws -> Reply {
        try parameters.finish()
        let statistics = try reader.statistics(now: clock())
        return Reply { json in
            json.member("total_signals", statistics.all.total.count)
            json.member("recent_signals", statistics.lastHour.total.count)
            json.array("by_type") { json in
                let counts = SignalType.allCases.map { ($0, statistics.all[$0]) }
                for (type, cell) in counts.filter({ $1.count > 0 }).sorted(by: { $0.1.count > $1.1.count }) {
                    json.object {
                        $0.member("signal_type", type.rawValue)
                        $0.member("count", cell.count)
                        $0.member("mean_score", cell.meanScore)
                    }
                }
            }
            json.array("by_severity") { json in
                for severity in Severity.allCases.reversed() where statistics.lastHour[severity].count > 0 {
                    json.object {
                        $0.member("severity", severity.name)
                        $0.member("count", statistics.lastHour[severity].count)
                    }
                }
            }
            let written = statistics.state.lastCommit
            json.member("timestamp", written.nanoseconds == 0 ? nil : written.rfc3339)
            json.dataTime(written, isStale: freshness(of: written).isStale)
        }
    }
}
