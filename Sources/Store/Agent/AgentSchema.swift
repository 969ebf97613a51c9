/// The tables of `agent.db`: what the agent saw, decided, changed, and what came of it. `docs/agent.md` describes them.
enum AgentSchema {
    static let version1 = [
        """
        CREATE TABLE cycles (
            id INTEGER PRIMARY KEY AUTOINCREMENT, -- decisions, which are kept longer, go on meaning the same one
            started INTEGER NOT NULL,
            cause TEXT NOT NULL, -- what it was started by: interval, a signal, a person
            finished INTEGER,
            outcome TEXT
        )
        """,
        """
        CREATE TABLE phases (
            cycle INTEGER NOT NULL,
            position INTEGER NOT NULL,
            phase TEXT NOT NULL,
            started INTEGER NOT NULL,
            duration_ns INTEGER NOT NULL,
            input TEXT NOT NULL,
            result TEXT NOT NULL,
            message TEXT NOT NULL,
            PRIMARY KEY (cycle, position)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE decisions (
            id INTEGER PRIMARY KEY,
            cycle INTEGER NOT NULL,
            signal_id INTEGER NOT NULL,
            action TEXT NOT NULL,
            reason TEXT NOT NULL,
            confidence REAL NOT NULL,
            state TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER,
            updated INTEGER NOT NULL,
            verdict TEXT,
            note TEXT
        )
        """,
        "CREATE INDEX idx_cycles_started ON cycles (started)",
        "CREATE INDEX idx_decisions_cycle ON decisions (cycle)",
        "CREATE INDEX idx_decisions_state ON decisions (state)",
        "CREATE INDEX idx_decisions_created ON decisions (created)",
        """
        CREATE TABLE changes (
            id INTEGER PRIMARY KEY,
            decision INTEGER NOT NULL,
            setting TEXT NOT NULL,
            before TEXT NOT NULL,
            after TEXT NOT NULL,
            state TEXT NOT NULL,
            updated INTEGER NOT NULL
        )
        """,
        "CREATE INDEX idx_changes_decision ON changes (decision)",
        """
        CREATE TABLE audit (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            previous TEXT NOT NULL, -- the hash of the record before, in hex
            hash TEXT NOT NULL
        )
        """,
        "CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        """
        CREATE TABLE agent_state (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            pid INTEGER NOT NULL,
            mode TEXT NOT NULL,
            started INTEGER NOT NULL,
            beat INTEGER NOT NULL, -- when it was last heard of
            phase TEXT,
            catalogue TEXT NOT NULL -- JSON: the actions, and which would do nothing on this host
        )
        """,
    ]

    /// What a phase said, apart from the kilobytes that went into it and came out of it: to read one line of each, those were read too.
    /// And decisions by signal.
    static let version2 = [
        """
        CREATE TABLE phase_records (
            cycle INTEGER NOT NULL,
            position INTEGER NOT NULL,
            input TEXT NOT NULL, -- JSON
            result TEXT NOT NULL,
            PRIMARY KEY (cycle, position)
        ) WITHOUT ROWID
        """,
        "INSERT INTO phase_records SELECT cycle, position, input, result FROM phases",
        "ALTER TABLE phases DROP COLUMN input",
        "ALTER TABLE phases DROP COLUMN result",
        "CREATE INDEX idx_decisions_signal ON decisions (signal_id)",
    ]
}
