import GRDB

/// A resolution of the series and how long it is kept.
public struct SeriesTier: Sendable, Hashable {
    /// Seconds per slot. Each tier's width divides the next one's.
    public var width: Int64
    /// Seconds that slots are kept.
    public var retention: Int64

    public init(width: Int64, retention: Int64) {
        self.width = width
        self.retention = retention
    }

    /// 1 s for an hour, 10 s for a day, 1 min for 7 days, 1 h for 30 days.
    public static let standard = [
        SeriesTier(width: 1, retention: 3600), SeriesTier(width: 10, retention: 86_400),
        SeriesTier(width: 60, retention: 7 * 86_400), SeriesTier(width: 3600, retention: 30 * 86_400),
    ]

    /// Tells readers which tiers there are.
    static func write(_ tiers: [SeriesTier], _ db: Database) throws {
        try db.inTransaction(.immediate) {
            try db.execute(sql: "DELETE FROM series_tiers")
            for (tier, value) in tiers.enumerated() {
                try db.execute(
                    sql: "INSERT INTO series_tiers VALUES (?, ?, ?)", arguments: [tier, value.width, value.retention])
            }
            return .commit
        }
    }
}
