import ArgumentParser
import Glibc
import Model
import Settings
import Store

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says how the collector and its parts do.",
        discussion: "Exit status 1 when there are no fresh data or a part reports an error.")

    @OptionGroup var options: DatabaseOptions

    func run() throws {
        let settings = try Settings.load(path: options.config)
        let path = options.database ?? settings.database.path
        let health = try Reader(path: path, connections: 1).health()
        let rows = Self.rows(
            path, health, now: Timestamp(nanoseconds: Int64(time(nil)) * 1_000_000_000),
            freshnessLimit: settings.api.freshnessLimitSeconds)
        let width = rows.map(\.component.count).max() ?? 0
        for row in rows { print(row.component.padded(to: width), row.status.rawValue.padded(to: 7), row.message) }
        if rows.contains(where: { $0.status == .error }) { throw ExitCode.failure }
    }

    /// The data themselves first, then what the collector says about its parts.
    static func rows(
        _ path: String, _ health: Reader.Health, now: Timestamp, freshnessLimit: Double
    ) -> [ComponentState] {
        let freshness = Freshness(of: health.lastTick, at: now, limit: freshnessLimit)
        let counts = "\(path): \(health.signalCount) signals, \(health.openSignals) open"
        let data = ComponentState(
            component: "data", status: freshness.isStale ? .error : .ok,
            message: freshness.reason.map { "\(counts). \($0)" } ?? "\(counts), data from \(health.lastTick.rfc3339)")
        return [data] + health.components.map { $0.state.shown(with: freshness) }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
