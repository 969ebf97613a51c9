/// The first schema. `docs/storage.md` explains the tables; comments in the SQL are what `.schema` shows to people.
enum SchemaVersion1 {
    static let statements = signals + [signalMetadataView] + rollups + events + series + state

    private static let signals = [
        """
        CREATE TABLE templates (
            id INTEGER PRIMARY KEY,
            summary TEXT NOT NULL,
            patterns TEXT NOT NULL, -- JSON array; {0} to {9} stand for values
            hints TEXT NOT NULL,
            UNIQUE (summary, patterns, hints)
        )
        """,
        """
        CREATE TABLE labels (
            id INTEGER PRIMARY KEY,
            semantic_label TEXT NOT NULL,
            signal_category TEXT NOT NULL,
            UNIQUE (semantic_label, signal_category)
        )
        """,
        // AUTOINCREMENT: names that no signal uses any more are swept, and their ids must not come back meaning another.
        """
        CREATE TABLE entities (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL, -- empty for a process: signals.process has it
            UNIQUE (name, kind, key)
        )
        """,
        "CREATE INDEX idx_entity_key ON entities (key)",
        """
        CREATE TABLE signals (
            id INTEGER PRIMARY KEY,
            timestamp INTEGER NOT NULL, -- ns since the epoch, like all times here
            signal_type TEXT NOT NULL,
            severity TEXT NOT NULL, -- the highest so far
            state TEXT NOT NULL,
            peak_score INTEGER NOT NULL, -- ten-thousandths: sums of integers do not drift
            current_severity INTEGER NOT NULL, -- 1 low to 4 critical
            current_score INTEGER NOT NULL,
            label INTEGER NOT NULL REFERENCES labels,
            entity INTEGER NOT NULL REFERENCES entities,
            process TEXT, -- PID@START
            template INTEGER NOT NULL REFERENCES templates,
            "values" TEXT NOT NULL, -- JSON array of strings
            last_seen INTEGER NOT NULL,
            closed_at INTEGER,
            occurrence_count INTEGER NOT NULL,
            rule_version INTEGER NOT NULL
        )
        """,
        "CREATE INDEX idx_timestamp ON signals (timestamp)",
        "CREATE INDEX idx_signal_type ON signals (signal_type)",
        "CREATE INDEX idx_severity ON signals (severity)",
        "CREATE INDEX idx_composite ON signals (signal_type, timestamp)",
        "CREATE INDEX idx_entity ON signals (entity)",
        "CREATE INDEX idx_process ON signals (process) WHERE process IS NOT NULL",
        // Few rows are open at any time, so these cost nothing and answer what is asked most.
        "CREATE INDEX idx_open ON signals (state) WHERE state = 'open'",
        "CREATE INDEX idx_unknown ON signals (state) WHERE state = 'unknown'",
        """
        CREATE TABLE signal_details (
            signal_id INTEGER PRIMARY KEY REFERENCES signals,
            evidence TEXT NOT NULL, -- JSON arrays
            culprits TEXT NOT NULL,
            victims TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE signal_events (
            signal_id INTEGER NOT NULL REFERENCES signals,
            source TEXT NOT NULL, -- syscall_events, sched_events, page_fault_events, io_events
            event_id INTEGER NOT NULL,
            PRIMARY KEY (signal_id, source, event_id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX idx_cited ON signal_events (source, event_id)",
    ]

    private static let series = [
        """
        CREATE TABLE metrics (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            kind INTEGER NOT NULL -- 0 number, 1 histogram
        )
        """,
        """
        CREATE TABLE series_tiers (
            tier INTEGER PRIMARY KEY,
            width INTEGER NOT NULL, -- seconds per slot
            retention INTEGER NOT NULL -- seconds
        )
        """,
        // The key is tier << 40 | slot: a plain rowid, because a packed row is too large for a key-ordered table.
        """
        CREATE TABLE series_rows (
            tier_slot INTEGER PRIMARY KEY,
            packed BLOB NOT NULL
        )
        """,
        """
        CREATE TABLE series_chunks (
            id INTEGER PRIMARY KEY,
            metric INTEGER NOT NULL REFERENCES metrics,
            tier INTEGER NOT NULL,
            window INTEGER NOT NULL, -- slot / 300
            packed BLOB NOT NULL
        )
        """,
        "CREATE UNIQUE INDEX idx_chunk ON series_chunks (metric, tier, window)",
        "CREATE INDEX idx_chunk_age ON series_chunks (tier, window)",
    ]

    private static let state = [
        """
        CREATE TABLE process_snapshots (
            timestamp INTEGER PRIMARY KEY,
            processes TEXT NOT NULL -- JSON array
        )
        """,
        """
        CREATE TABLE components (
            component TEXT PRIMARY KEY,
            timestamp INTEGER NOT NULL,
            status TEXT NOT NULL,
            message TEXT NOT NULL,
            detail TEXT NOT NULL -- JSON object
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE store_state (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            last_commit INTEGER NOT NULL, -- when the latest batch was written
            last_tick INTEGER NOT NULL, -- the newest measurement in it
            last_signal_id INTEGER NOT NULL -- ids are never reused, also after a clean-up
        )
        """,
        "INSERT INTO store_state VALUES (1, 0, 0, 0)",
    ]
}
