import Model
import Settings
import Synchronization

/// What SIGHUP changes in a worker that runs; everything else is settled when it starts.
final class LiveSettings: Sendable {
    private let freshnessLimit = Atomic<Double>(0)
    private let slowRequest = Atomic<Double>(0)
    private let slowQuery = Atomic<Double>(0)
    private let detection: Mutex<Thresholds>

    init(_ settings: Settings) {
        detection = Mutex(settings.thresholds)
        apply(settings)
    }

    /// What predictions are held against.
    var thresholds: Thresholds { detection.withLock { $0 } }

    /// Data that is further from now is stale.
    var freshnessLimitSeconds: Double { freshnessLimit.load(ordering: .relaxed) }

    /// Requests that take this long are logged.
    var slowRequestMilliseconds: Double { slowRequest.load(ordering: .relaxed) }

    /// Statements that take this long are logged.
    var slowQueryMilliseconds: Double { slowQuery.load(ordering: .relaxed) }

    func apply(_ settings: Settings) {
        freshnessLimit.store(settings.api.freshnessLimitSeconds, ordering: .relaxed)
        slowRequest.store(settings.api.slowRequestMilliseconds, ordering: .relaxed)
        slowQuery.store(settings.api.slowQueryMilliseconds, ordering: .relaxed)
        detection.withLock { $0 = settings.thresholds }
    }
}
