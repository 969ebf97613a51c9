extension SchemaVersion4 {
    /// `signal_metadata`: plain text for people, rendered by SQL that the stock `sqlite3` shell knows.
    ///
    /// The joins are outer joins on primary keys: where a condition names a type or a severity SQLite finds its number first,
    /// and then starts from an index of `signals` as it always does.
    static let signalMetadataView = """
        CREATE VIEW signal_metadata AS SELECT
            s.id AS id,
            s.timestamp AS timestamp,
            l.signal_category AS signal_category,
            y.signal_type AS signal_type,
            e.kind AS scope,
            l.semantic_label AS semantic_label,
            v.severity AS severity,
            s.peak_score / 10000.0 AS pressure_score,
            \(rendered("t.summary", value: text)) AS summary,
            \(rendered("t.patterns", value: json)) AS patterns,
            \(rendered("t.hints", value: json)) AS reasoning_hints,
            (SELECT source FROM signal_events WHERE signal_id = s.id LIMIT 1) AS source_table,
            (SELECT event_id FROM signal_events WHERE signal_id = s.id LIMIT 1) AS source_id,
            e.kind AS entity_type,
            ifnull((s.process & \(PackedIdentity.pidMask)) || '@' || (s.process >> \(PackedIdentity.pidBits)), e.key)
                AS entity_id,
            e.name AS entity_name,
            json_object(
                'evidence', \(list(2, evidence, from: "inputs", id: 0)),
                'culprits', \(list(0, culprit, from: "parties", id: 2)),
                'victims', \(list(1, victim, from: "parties", id: 2))
            ) AS context_json,
            s.timestamp AS first_seen,
            s.timestamp + 1000 * s.lasted AS last_seen,
            s.occurrence_count AS occurrence_count,
            \(state) AS state,
            s.timestamp + 1000 * s.closed_after AS closed_at,
            CASE s.current_severity WHEN 1 THEN 'low' WHEN 2 THEN 'medium' WHEN 3 THEN 'high' ELSE 'critical' END
                AS current_severity,
            s.current_score / 10000.0 AS current_score
        FROM signals s
        LEFT JOIN signal_types y ON y.id = s.type
        LEFT JOIN severities v ON v.id = s.severity
        LEFT JOIN labels l ON l.id = s.label
        LEFT JOIN entities e ON e.id = s.entity
        LEFT JOIN templates t ON t.id = s.template
        LEFT JOIN parties c ON c.id = s.details ->> '$[0][0][2]'
        LEFT JOIN parties u ON u.id = s.details ->> '$[1][0][2]'
        """

    /// A placeholder whose value is missing stays as it is, as in `Message`.
    private static func rendered(_ template: String, value: (Int) -> String) -> String {
        (0...9).reduce(template) { "replace(\($0), '{\($1)}', ifnull(\(value($1)), '{\($1)}'))" }
    }

    /// A value is a text, a number, or an array that says whose name it is: `StringArray`.
    private static func text(_ position: Int) -> String {
        """
        CASE json_type(s."values", '$[\(position)]') WHEN 'array' THEN \(name(position))
            ELSE s."values" ->> \(position) END
        """
    }

    /// The value as it stands inside a JSON string: escaped, without its quotes. Numbers have none of their own.
    private static func json(_ position: Int) -> String {
        func bare(_ quoted: String) -> String { "substr(\(quoted), 2, length(\(quoted)) - 2)" }
        return """
            CASE json_type(s."values", '$[\(position)]')
                WHEN 'text' THEN \(bare(#"(s."values" -> \#(position))"#))
                WHEN 'array' THEN \(bare("json_quote(\(name(position)))"))
                ELSE s."values" ->> \(position) END
            """
    }

    /// Of the first culprit or victim, as `ProcessName` writes it.
    private static func name(_ position: Int) -> String {
        """
        CASE s."values" ->> '$[\(position)][0]'
            WHEN 0 THEN c.comm || ' (pid ' || (s.details ->> '$[0][0][0]')
            ELSE u.comm || ' (pid ' || (s.details ->> '$[1][0][0]') END
            || ifnull(' and ' || (s."values" ->> '$[\(position)][1]') || ' more)', ')')
        """
    }

    // What stands where in `details`: `FindingDetails`.

    private static let evidence = """
        'metric', i.metric, 'value', d.value ->> 1, 'unit', i.unit, 'threshold', i.threshold, 'window', i.window,
        'baseline', json(CASE WHEN d.value ->> 2 IS NOT NULL THEN json_object(
            'median', d.value ->> 2, 'p95', d.value ->> 3, 'hour', d.value ->> 4) END)
        """
    private static let culprit = process + ", 'share', d.value ->> 3, 'measure', i.measure"
    private static let victim = process + ", 'stall_milliseconds_per_second', d.value ->> 3, 'stall', i.measure"
    private static let process = """
        'process', json_object('pid', d.value ->> 0, 'start_ticks', d.value ->> 1), 'comm', i.comm, 'cgroup', i.cgroup
        """

    private static func list(_ position: Int, _ members: String, from table: String, id: Int) -> String {
        """
        json((SELECT json_group_array(json_object(\(members))) FROM json_each(s.details, '$[\(position)]') d
            LEFT JOIN \(table) i ON i.id = d.value ->> \(id)))
        """
    }
}
