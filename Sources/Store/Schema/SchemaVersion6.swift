/// Counts since the database was made, for who asks now and then, and how much of what the tracers saw is in the newest numbers.
enum SchemaVersion6 {
    static let statements = [
        """
        CREATE TABLE counter_totals (
            metric INTEGER PRIMARY KEY REFERENCES metrics,
            total REAL NOT NULL
        )
        """,
        // JSON object: a share by tracer, null for one that measures nothing.
        "ALTER TABLE store_state ADD COLUMN completeness TEXT NOT NULL DEFAULT '{}'",
    ]
}
