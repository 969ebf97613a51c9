import Detection
import Forecast
import Foundation
import Logging

/// Baselines as the database keeps them: one JSON text a metric, written every quarter of an hour and at the end.
struct StoredBaselines {
    /// Nanoseconds; what was learned since is lost when the collector is killed.
    private static let interval: UInt64 = 900_000_000_000

    private var due: UInt64

    /// `now`: nanoseconds of the monotonic clock.
    init(now: UInt64) { due = now + Self.interval }

    /// What is to be written now; empty when it is not time yet.
    mutating func take(_ baselines: Baselines, now: UInt64, logger: Logger) -> [String: String] {
        guard now >= due else { return [:] }
        due = now + Self.interval
        return Self.encode(baselines, logger: logger)
    }

    static func encode(_ baselines: Baselines, logger: Logger) -> [String: String] {
        let encoder = JSONEncoder()
        return baselines.metrics.reduce(into: [:]) { stored, entry in
            do {
                stored[entry.key] = String(decoding: try encoder.encode(entry.value), as: UTF8.self)
            } catch {
                logger.error("the baseline of \(entry.key) cannot be stored: \(error)")
            }
        }
    }

    /// What cannot be read is learned anew, and said.
    static func decode(_ stored: [String: String], logger: Logger) -> Baselines {
        let decoder = JSONDecoder()
        return Baselines(
            stored.reduce(into: [:]) { metrics, entry in
                do {
                    metrics[entry.key] = try decoder.decode(Baseline.self, from: Data(entry.value.utf8))
                } catch {
                    logger.warning("the baseline of \(entry.key) cannot be read and is learned anew")
                }
            })
    }
}
