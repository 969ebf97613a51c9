extension SchemaVersion1 {
    /// Counts and score sums per span and type, a column per severity. The writer adds what it inserts, once per batch;
    /// triggers follow deletes and changes, so that a clean-up by hand keeps them right.
    static let rollups =
        [
            """
            CREATE TABLE rollups (
                span INTEGER NOT NULL, -- seconds: 60, 3600, 86400; 0 for everything there is
                start INTEGER NOT NULL, -- seconds since the epoch
                signal_type TEXT NOT NULL,
                low INTEGER NOT NULL, medium INTEGER NOT NULL, high INTEGER NOT NULL, critical INTEGER NOT NULL,
                low_score INTEGER NOT NULL, medium_score INTEGER NOT NULL, -- sums, in ten-thousandths
                high_score INTEGER NOT NULL, critical_score INTEGER NOT NULL,
                PRIMARY KEY (span, start, signal_type)
            ) WITHOUT ROWID
            """,
            """
            CREATE TRIGGER signals_deleted AFTER DELETE ON signals BEGIN
                \(adjusted("OLD", "-"))
                DELETE FROM signal_details WHERE signal_id = OLD.id;
                DELETE FROM signal_events WHERE signal_id = OLD.id;
            END
            """,
            """
            CREATE TRIGGER signals_changed AFTER UPDATE OF severity, peak_score ON signals
            WHEN OLD.severity <> NEW.severity OR OLD.peak_score <> NEW.peak_score BEGIN
                \(adjusted("OLD", "-"))
                \(adjusted("NEW", "+"))
            END
            """,
            """
            CREATE TRIGGER signals_moved BEFORE UPDATE OF id, timestamp, signal_type ON signals
            WHEN OLD.id <> NEW.id OR OLD.timestamp <> NEW.timestamp OR OLD.signal_type <> NEW.signal_type BEGIN
                SELECT RAISE(ABORT, 'a signal keeps its id, timestamp and signal_type: delete it instead');
            END
            """,
            """
            CREATE TRIGGER signal_metadata_delete INSTEAD OF DELETE ON signal_metadata BEGIN
                DELETE FROM signals WHERE id = OLD.id;
            END
            """,
        ]

    private static let severities = ["low", "medium", "high", "critical"]

    private static func adjusted(_ row: String, _ sign: String) -> String {
        let counts = severities.map { "\($0) = \($0) \(sign) (\(row).severity = '\($0)')" }
        let scores = severities.map {
            "\($0)_score = \($0)_score \(sign) (\(row).severity = '\($0)') * \(row).peak_score"
        }
        let assignments = (counts + scores).joined(separator: ", ")
        return [0, 60, 3600, 86400].map { span in
            let start = span == 0 ? "0" : "\(row).timestamp / \(span)000000000 * \(span)"
            return """
                UPDATE rollups SET \(assignments)
                    WHERE span = \(span) AND start = \(start) AND signal_type = \(row).signal_type;
                """
        }.joined(separator: "\n    ")
    }
}
