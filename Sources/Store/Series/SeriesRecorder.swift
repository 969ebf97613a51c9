import GRDB
struct SeriesRecorder {
    init(_ db: Database, tiers: [SeriesTier]) throws {}
    mutating func write(_ tick: Batch.Tick) throws {}
}
