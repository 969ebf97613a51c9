/// What the governor of the overhead did: each row is a tracer that looks at more or less from then on.
enum SchemaVersion3 {
    static let statements = [
        """
        CREATE TABLE governor_steps (
            id INTEGER PRIMARY KEY,
            timestamp INTEGER NOT NULL,
            tracer TEXT NOT NULL,
            from_coverage TEXT NOT NULL, -- full, sampled, off
            to_coverage TEXT NOT NULL,
            reason TEXT NOT NULL
        )
        """
    ]
}
