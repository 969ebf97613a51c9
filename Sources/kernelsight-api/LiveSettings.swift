import Settings
import Synchronization

/// What SIGHUP changes in a worker that runs; everything else is settled when it starts.
final class LiveSettings: Sendable {
    private let freshnessLimit = Atomic<Double>(0)
    private let slowRequest = Atomic<Double>(0)

    init(_ settings: Settings) { apply(settings) }

    /// Data that is further from now is stale.
    var freshnessLimitSeconds: Double { freshnessLimit.load(ordering: .relaxed) }

    /// Requests that take this long are logged.
    var slowRequestMilliseconds: Double { slowRequest.load(ordering: .relaxed) }

    func apply(_ settings: Settings) {
        freshnessLimit.store(settings.api.freshnessLimitSeconds, ordering: .relaxed)
        slowRequest.store(settings.api.slowRequestMilliseconds, ordering: .relaxed)
    }
}
