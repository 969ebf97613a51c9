import GRDB
import Model

/// Reads episodes back, for a collector that starts again while they last.
enum EpisodeRows {
    /// Episodes that had not closed, oldest first.
    static func open(_ db: Database) throws -> [Episode] {
        // The states are literals: only then can the partial indexes answer.
        let rows = try ["open", "unknown"].flatMap { state in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT s.*, l.semantic_label, l.signal_category, e.kind, e.key, e.name,
                        t.summary, t.patterns, t.hints, d.evidence, d.culprits, d.victims
                    FROM signals s JOIN labels l ON l.id = s.label JOIN entities e ON e.id = s.entity
                    JOIN templates t ON t.id = s.template LEFT JOIN signal_details d ON d.signal_id = s.id
                    WHERE s.state = '\(state)'
                    """)
        }
        return rows.compactMap(episode).sorted { $0.id < $1.id }
    }

    private static func episode(_ row: Row) -> Episode? {
        guard let type = SignalType(rawValue: row["signal_type"]), let peak = Severity(name: row["severity"]),
            let current = Severity(rawValue: row["current_severity"]), let kind = Entity.Kind(rawValue: row["kind"]),
            let state = Episode.State(rawValue: row["state"]),
            let category = SignalCategory(rawValue: row["signal_category"])
        else { return nil }
        let process: String? = row["process"]
        let entity = Entity(kind: kind, id: process ?? row["key"], name: row["name"])
        let template = Message.Template(
            summary: row["summary"], patterns: FindingJSON.read(row["patterns"], as: String.self),
            hints: FindingJSON.read(row["hints"], as: String.self))
        let finding = Finding(
            message: Message(template, FindingJSON.read(row["values"], as: String.self)),
            evidence: FindingJSON.read(row["evidence"] ?? "", as: Evidence.self),
            culprits: FindingJSON.read(row["culprits"] ?? "", as: Culprit.self),
            victims: FindingJSON.read(row["victims"] ?? "", as: Victim.self), ruleVersion: row["rule_version"])
        let closed: Int64? = row["closed_at"]
        return Episode(
            id: row["id"], key: Episode.Key(type: type, entity: entity, label: row["semantic_label"]), state: state,
            category: category, opened: Timestamp(nanoseconds: row["timestamp"]),
            lastSeen: Timestamp(nanoseconds: row["last_seen"]), closed: closed.map(Timestamp.init(nanoseconds:)),
            peak: Grade(severity: peak, score: Double(row["peak_score"] as Int64) / 10_000),
            current: Grade(severity: current, score: Double(row["current_score"] as Int64) / 10_000),
            occurrences: row["occurrence_count"], finding: finding)
    }
}
