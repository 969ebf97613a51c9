import Settings
import Store

extension WriterConfiguration {
    /// The writer's part of `config.yaml`.
    init(_ settings: Settings) {
        self.init()
        let retention = settings.retention
        batchRows = settings.advanced.signalBatchSize
        flushInterval = .milliseconds(Int64(settings.advanced.flushIntervalSeconds * 1000))
        signalDays = retention.signalsDays
        eventBytes = Int64(retention.eventsMegabytes) * 1_000_000
        tiers = [
            SeriesTier(width: 1, retention: Int64(retention.series1sHours * 3600)),
            SeriesTier(width: 10, retention: Int64(retention.series10sHours * 3600)),
            SeriesTier(width: 60, retention: Int64(retention.series1mDays * 86_400)),
            SeriesTier(width: 3600, retention: Int64(retention.series1hDays * 86_400)),
        ]
    }
}
