extension SchemaVersion1 {
    /// `signal_metadata`: plain text for people, rendered by SQL that the stock `sqlite3` shell knows.
    ///
    /// The joins are outer joins on primary keys, so that SQLite leaves out those a query does not need and always starts
    /// from an index of `signals`.
    static let signalMetadataView = """
        CREATE VIEW signal_metadata AS SELECT
            s.id AS id,
            s.timestamp AS timestamp,
            l.signal_category AS signal_category,
            s.signal_type AS signal_type,
            e.kind AS scope,
            l.semantic_label AS semantic_label,
            s.severity AS severity,
            s.peak_score / 10000.0 AS pressure_score,
            \(rendered("t.summary", value: text)) AS summary,
            \(rendered("t.patterns", value: json)) AS patterns,
            \(rendered("t.hints", value: json)) AS reasoning_hints,
            (SELECT source FROM signal_events WHERE signal_id = s.id LIMIT 1) AS source_table,
            (SELECT event_id FROM signal_events WHERE signal_id = s.id LIMIT 1) AS source_id,
            e.kind AS entity_type,
            coalesce(s.process, e.key) AS entity_id,
            e.name AS entity_name,
            (SELECT '{"evidence":' || evidence || ',"culprits":' || culprits || ',"victims":' || victims || '}'
                FROM signal_details WHERE signal_id = s.id) AS context_json,
            s.timestamp AS first_seen,
            s.last_seen AS last_seen,
            s.occurrence_count AS occurrence_count,
            s.state AS state,
            s.closed_at AS closed_at,
            CASE s.current_severity WHEN 1 THEN 'low' WHEN 2 THEN 'medium' WHEN 3 THEN 'high' ELSE 'critical' END
                AS current_severity,
            s.current_score / 10000.0 AS current_score
        FROM signals s
        LEFT JOIN labels l ON l.id = s.label
        LEFT JOIN entities e ON e.id = s.entity
        LEFT JOIN templates t ON t.id = s.template
        """

    /// A placeholder whose value is missing stays as it is, as in `Message`.
    private static func rendered(_ template: String, value: (Int) -> String) -> String {
        (0...9).reduce(template) { "replace(\($0), '{\($1)}', ifnull(\(value($1)), '{\($1)}'))" }
    }

    private static func text(_ position: Int) -> String { #"s."values" ->> \#(position)"# }

    /// The value as it stands inside a JSON string: escaped, without its quotes.
    private static func json(_ position: Int) -> String {
        #"substr(s."values" -> \#(position), 2, length(s."values" -> \#(position)) - 2)"#
    }
}
