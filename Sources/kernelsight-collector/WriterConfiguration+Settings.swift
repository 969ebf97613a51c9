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
        tiers = retention.series.map { SeriesTier(width: $0.width, retention: $0.seconds) }
    }
}
