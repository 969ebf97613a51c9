/// Latencies since the database was made, for who asks now and then and wants to know what was between: a series answers for a window.
enum SchemaVersion5 {
    static let statements = [
        """
        CREATE TABLE histogram_totals (
            metric TEXT PRIMARY KEY,
            sum_ns INTEGER NOT NULL, -- of the buckets' midpoints
            octaves TEXT NOT NULL -- JSON: observations by power of two, from 1 ns on
        ) WITHOUT ROWID
        """
    ]
}
