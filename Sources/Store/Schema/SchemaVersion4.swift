import Model

/// Numbers for what repeats, in one row per signal, and rollups in seven spans: a third of the size, and few rows to add up for
/// any window. What was there before is carried over.
enum SchemaVersion4 {
    static let statements =
        names + [signals] + carriedOver + indexes + rollups + [signalMetadataView] + triggers

    private static let names =
        [
            "CREATE TABLE signal_types (id INTEGER PRIMARY KEY, signal_type TEXT NOT NULL UNIQUE)",
            "CREATE TABLE severities (id INTEGER PRIMARY KEY, severity TEXT NOT NULL UNIQUE)",
            // AUTOINCREMENT: what no signal uses any more is swept, and its ids must not come back meaning another.
            """
            CREATE TABLE inputs (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                metric TEXT NOT NULL,
                unit TEXT NOT NULL,
                window NUMERIC NOT NULL, -- seconds
                threshold NUMERIC,
                last_signal INTEGER NOT NULL DEFAULT 0, -- at most 1000 before the last that uses it
                UNIQUE (metric, unit, window, threshold)
            )
            """,
            """
            CREATE TABLE parties (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                comm TEXT NOT NULL,
                cgroup TEXT NOT NULL,
                measure TEXT NOT NULL, -- what its number is of: CPU time, run-queue wait
                last_signal INTEGER NOT NULL DEFAULT 0,
                UNIQUE (comm, cgroup, measure)
            )
            """,
        ]
        + SignalType.allCases.map { "INSERT INTO signal_types VALUES (\($0.code), '\($0.rawValue)')" }
        + Severity.allCases.map { "INSERT INTO severities VALUES (\($0.rawValue), '\($0.name)')" }

    private static let signals = """
        CREATE TABLE signals_4 (
            id INTEGER PRIMARY KEY,
            timestamp INTEGER NOT NULL, -- ns since the epoch, like all times here
            type INTEGER NOT NULL REFERENCES signal_types,
            severity INTEGER NOT NULL REFERENCES severities, -- the highest so far
            state INTEGER NOT NULL, -- 0 closed, 1 open, 2 unknown
            peak_score INTEGER NOT NULL, -- ten-thousandths: sums of integers do not drift
            current_severity INTEGER NOT NULL REFERENCES severities,
            current_score INTEGER NOT NULL,
            label INTEGER NOT NULL REFERENCES labels,
            entity INTEGER NOT NULL REFERENCES entities,
            process INTEGER, -- start time << 22 | pid
            template INTEGER NOT NULL REFERENCES templates,
            "values" TEXT NOT NULL, -- JSON array
            lasted INTEGER NOT NULL, -- microseconds from timestamp to last_seen
            closed_after INTEGER, -- microseconds
            occurrence_count INTEGER NOT NULL,
            rule_version INTEGER NOT NULL,
            details TEXT NOT NULL -- JSON arrays of numbers, see docs/storage.md
        )
        """

    /// What the signals' details share, then the signals with details that name it.
    private static let carriedOver = [
        """
        INSERT OR IGNORE INTO inputs (metric, unit, window, threshold, last_signal)
            SELECT e.value ->> 'metric', e.value ->> 'unit', round(e.value ->> 'window', 2), e.value ->> 'threshold',
                max(signal_id)
            FROM signal_details, \(list("evidence")) e GROUP BY 1, 2, 3, 4
        """,
        """
        INSERT OR IGNORE INTO parties (comm, cgroup, measure, last_signal)
            SELECT comm, cgroup, measure, max(signal_id) FROM (
                \(parties("culprits", "measure")) UNION ALL \(parties("victims", "stall"))
            ) GROUP BY 1, 2, 3
        """,
        """
        INSERT INTO signals_4 SELECT s.id, s.timestamp, t.id, v.id,
            CASE s.state WHEN 'open' THEN 1 WHEN 'unknown' THEN 2 ELSE 0 END, s.peak_score, s.current_severity,
            s.current_score, s.label, s.entity,
            substr(s.process, instr(s.process, '@') + 1) << 22 | substr(s.process, 1, instr(s.process, '@') - 1),
            s.template, s."values", (s.last_seen - s.timestamp) / 1000, (s.closed_at - s.timestamp) / 1000,
            s.occurrence_count, s.rule_version,
            json_array(
                \(details("culprits", processes("share", "measure"))),
                \(details("victims", processes("stall_milliseconds_per_second", "stall"))),
                \(details("evidence", inputs)))
        FROM signals s JOIN signal_types t ON t.signal_type = s.signal_type JOIN severities v ON v.severity = s.severity
            LEFT JOIN signal_details d ON d.signal_id = s.id
        """,
        "DROP VIEW signal_metadata",
        "DROP TABLE signal_details",
        "DROP TABLE signals",
        "DROP TABLE rollups",
        // SQLite would look at every view, and somebody's own on signal_metadata has nothing to stand on just now.
        "PRAGMA legacy_alter_table = ON",
        "ALTER TABLE signals_4 RENAME TO signals",
        "PRAGMA legacy_alter_table = OFF",
    ]

    /// A column of details, or an empty list where it was damaged: one row must not keep all others from being carried over.
    private static func list(_ column: String) -> String {
        "json_each(CASE WHEN json_valid(\(column)) THEN \(column) ELSE '[]' END)"
    }

    private static func parties(_ column: String, _ measure: String) -> String {
        """
        SELECT e.value ->> 'comm' AS comm, e.value ->> 'cgroup' AS cgroup, e.value ->> '\(measure)' AS measure, signal_id
            FROM signal_details, \(list(column)) e
        """
    }

    private static func processes(_ number: String, _ measure: String) -> String {
        """
        e.value ->> '$.process.pid', e.value ->> '$.process.start_ticks',
            (SELECT id FROM parties WHERE comm = e.value ->> 'comm' AND cgroup = e.value ->> 'cgroup'
                AND measure = e.value ->> '\(measure)'),
            e.value ->> '\(number)'
        """
    }

    private static let inputs = """
        (SELECT id FROM inputs WHERE metric = e.value ->> 'metric' AND unit = e.value ->> 'unit'
                AND window = round(e.value ->> 'window', 2) AND threshold IS e.value ->> 'threshold'),
            e.value ->> 'value', e.value ->> '$.baseline.median', e.value ->> '$.baseline.p95',
            e.value ->> '$.baseline.hour'
        """

    /// The objects in a column as arrays.
    private static func details(_ column: String, _ members: String) -> String {
        """
        json((SELECT json_group_array(json_array(\(members))) FROM \(list("d.\(column)")) e))
        """
    }

    /// As the view shows it.
    static let state = "CASE state WHEN 1 THEN 'open' WHEN 2 THEN 'unknown' ELSE 'closed' END"

    private static let indexes = [
        "CREATE INDEX idx_timestamp ON signals (timestamp)",
        "CREATE INDEX idx_signal_type ON signals (type)",
        "CREATE INDEX idx_severity ON signals (severity)",
        "CREATE INDEX idx_composite ON signals (type, timestamp)",
        "CREATE INDEX idx_entity ON signals (entity)",
        "CREATE INDEX idx_process ON signals (process) WHERE process IS NOT NULL",
        // Few rows are open at any time, so these cost nothing and answer what is asked most.
        "CREATE INDEX idx_open ON signals (state) WHERE state = 1",
        "CREATE INDEX idx_unknown ON signals (state) WHERE state = 2",
        // What `state = 'open'` on the view becomes: a condition that is not the same to the letter does not find it.
        "CREATE INDEX idx_shown_open ON signals (state) WHERE \(state) COLLATE BINARY = 'open'",
    ]
}
