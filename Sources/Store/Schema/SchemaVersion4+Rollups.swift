extension SchemaVersion4 {
    /// Counts and score sums per span and type, a column per severity. The writer adds what it inserts, once per batch;
    /// triggers follow deletes and changes, so that a clean-up by hand keeps them right.
    static let rollups =
        [
            """
            CREATE TABLE rollups (
                span INTEGER NOT NULL, -- seconds; 0 for everything there is
                type INTEGER NOT NULL, -- signal_types; 0 for all
                start INTEGER NOT NULL, -- seconds since the epoch
                low INTEGER NOT NULL, medium INTEGER NOT NULL, high INTEGER NOT NULL, critical INTEGER NOT NULL,
                low_score INTEGER NOT NULL, medium_score INTEGER NOT NULL, -- sums, in ten-thousandths
                high_score INTEGER NOT NULL, critical_score INTEGER NOT NULL,
                PRIMARY KEY (span, type, start)
            ) WITHOUT ROWID
            """
        ]
        + RollupSpans.all.flatMap { span in
            ["0", "type"].map { type in
                """
                INSERT INTO rollups SELECT \(span), \(type), \(start(span, "timestamp")) AS start,
                    \((1...4).map { "sum(severity = \($0))" }.joined(separator: ", ")),
                    \((1...4).map { "sum((severity = \($0)) * peak_score)" }.joined(separator: ", "))
                FROM signals GROUP BY 2, 3
                """
            }
        }

    static let triggers = [
        """
        CREATE TRIGGER signals_deleted AFTER DELETE ON signals BEGIN
            \(adjusted("OLD", "-"))
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
        CREATE TRIGGER signals_moved BEFORE UPDATE OF id, timestamp, type ON signals
        WHEN OLD.id <> NEW.id OR OLD.timestamp <> NEW.timestamp OR OLD.type <> NEW.type BEGIN
            SELECT RAISE(ABORT, 'a signal keeps its id, timestamp and type: delete it instead');
        END
        """,
        """
        CREATE TRIGGER signal_metadata_delete INSTEAD OF DELETE ON signal_metadata BEGIN
            DELETE FROM signals WHERE id = OLD.id;
        END
        """,
    ]

    private static func adjusted(_ row: String, _ sign: String) -> String {
        let severities = [(1, "low"), (2, "medium"), (3, "high"), (4, "critical")]
        let counts = severities.map { "\($1) = \($1) \(sign) (\(row).severity = \($0))" }
        let scores = severities.map {
            "\($1)_score = \($1)_score \(sign) (\(row).severity = \($0)) * \(row).peak_score"
        }
        let assignments = (counts + scores).joined(separator: ", ")
        return RollupSpans.all.map { span in
            """
            UPDATE rollups SET \(assignments)
                WHERE span = \(span) AND type IN (0, \(row).type) AND start = \(start(span, "\(row).timestamp"));
            """
        }.joined(separator: "\n    ")
    }

    private static func start(_ span: Int64, _ time: String) -> String {
        span == 0 ? "0" : "\(time) / \(span)000000000 * \(span)"
    }
}
