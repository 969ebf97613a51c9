import GRDB
import Model

/// Reads episodes back, for a collector that starts again while they last.
enum EpisodeRows {
    /// Episodes that had not closed, oldest first.
    static func open(_ db: Database) throws -> [Episode] {
        var shared = SharedRows()
        var episodes: [Episode] = []
        // The states are literals: only then can the partial indexes answer.
        for state in [Episode.State.open, .unknown] {
            try db.cachedStatement(sql: StoredSignal.select() + " WHERE s.state = \(state.code)").rows { row in
                episodes.append(Episode(try SignalDetail(row, &shared, db)))
            }
        }
        return episodes.sorted { $0.id < $1.id }
    }
}

extension Episode {
    fileprivate init(_ detail: SignalDetail) {
        let signal = detail.signal
        self.init(
            id: signal.id, key: Key(type: signal.type, entity: signal.entity, label: signal.label),
            state: signal.state, category: signal.category, opened: signal.opened, lastSeen: signal.lastSeen,
            closed: signal.closed, peak: signal.peak, current: signal.current, occurrences: signal.occurrences,
            finding: Finding(
                message: signal.message, evidence: detail.evidence, culprits: signal.culprits, victims: detail.victims,
                ruleVersion: signal.ruleVersion))
    }
}
