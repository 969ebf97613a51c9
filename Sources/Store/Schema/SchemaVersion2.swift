/// What is usual for each metric, as detection learned it.
enum SchemaVersion2 {
    static let statements = [
        """
        CREATE TABLE baselines (
            metric TEXT PRIMARY KEY,
            timestamp INTEGER NOT NULL, -- when it was written
            data TEXT NOT NULL -- JSON, see docs/forecast.md
        ) WITHOUT ROWID
        """
    ]
}
