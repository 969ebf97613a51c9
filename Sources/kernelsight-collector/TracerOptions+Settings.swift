import Model
import Settings
import Tracers

extension TracerOptions {
    /// The tracers' part of `config.yaml`.
    init(_ settings: Settings) {
        self.init(enabled: Set(settings.tracers.enabled))
        for name in TracerName.allCases {
            let tracer = settings.tracers[name]
            set(name) {
                $0.eventsPerSecond = tracer.eventsPerSecond
                $0.eventThresholdNanoseconds = UInt64(tracer.thresholdMilliseconds * 1e6)
            }
        }
    }
}
