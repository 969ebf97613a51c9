extension SchemaVersion1 {
    /// Raw evidence, a table per tracer. Unsigned 64-bit numbers are stored bit for bit: the largest show as negative.
    ///
    /// `event_usage` says what each table holds, kept by triggers, and up to which id it has been emptied: rows below that
    /// are there because a signal cites them, and go with the last such signal.
    static let events =
        [
            table(
                "syscall_events",
                """
                cpu INTEGER NOT NULL, syscall_nr INTEGER NOT NULL, syscall_name TEXT NOT NULL, category TEXT NOT NULL,
                    latency_ns INTEGER NOT NULL, blocked_ns INTEGER, -- NULL: nobody can tell
                    ret_value INTEGER, -- NULL: the call still ran
                    is_error INTEGER NOT NULL, arg0 INTEGER NOT NULL
                """),
            table(
                "sched_events",
                """
                cpu INTEGER NOT NULL, wait_ns INTEGER NOT NULL, preempted INTEGER NOT NULL,
                    previous_pid INTEGER NOT NULL, previous_start_ticks INTEGER NOT NULL, previous_comm TEXT NOT NULL
                """),
            table(
                "page_fault_events",
                """
                cpu INTEGER NOT NULL, address INTEGER NOT NULL, latency_ns INTEGER NOT NULL,
                    fault_type TEXT NOT NULL, access_type TEXT NOT NULL, user_mode INTEGER NOT NULL
                """),
            table(
                "io_events",
                """
                major INTEGER NOT NULL, minor INTEGER NOT NULL, device_name TEXT NOT NULL, operation TEXT NOT NULL,
                    sector INTEGER NOT NULL, bytes INTEGER NOT NULL, latency_ns INTEGER NOT NULL,
                    queued_ns INTEGER NOT NULL, error INTEGER NOT NULL
                """),
        ]
        + EventSource.allCases.map { "CREATE INDEX idx_\($0.rawValue)_timestamp ON \($0.rawValue) (timestamp)" }
        + [
            """
            CREATE TABLE event_usage (
                source TEXT PRIMARY KEY,
                rows INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                emptied_to INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        ]
        + EventSource.allCases.flatMap { source in
            [
                "INSERT INTO event_usage VALUES ('\(source.rawValue)', 0, 0, 0)",
                usageTrigger(source, on: "INSERT", row: "NEW", sign: "+"),
                usageTrigger(source, on: "DELETE", row: "OLD", sign: "-"),
                """
                CREATE TRIGGER \(source.rawValue)_uncited AFTER DELETE ON signal_events
                WHEN OLD.source = '\(source.rawValue)' BEGIN
                    DELETE FROM \(source.rawValue) WHERE id = OLD.event_id
                        AND id <= (SELECT emptied_to FROM event_usage WHERE source = OLD.source)
                        AND NOT EXISTS (SELECT 1 FROM signal_events c
                            WHERE c.source = OLD.source AND c.event_id = OLD.event_id);
                END
                """,
            ]
        }

    private static func table(_ name: String, _ columns: String) -> String {
        """
        CREATE TABLE \(name) (
            id INTEGER PRIMARY KEY,
            timestamp INTEGER NOT NULL,
            pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL, tid INTEGER NOT NULL, uid INTEGER NOT NULL,
            cgroup INTEGER NOT NULL, comm TEXT NOT NULL,
            \(columns)
        )
        """
    }

    private static func usageTrigger(_ source: EventSource, on change: String, row: String, sign: String) -> String {
        """
        CREATE TRIGGER \(source.rawValue)_\(change.lowercased()) AFTER \(change) ON \(source.rawValue) BEGIN
            UPDATE event_usage SET rows = rows \(sign) 1,
                bytes = bytes \(sign) (\(source.fixedBytes) + length(\(row).comm)) WHERE source = '\(source.rawValue)';
        END
        """
    }
}
