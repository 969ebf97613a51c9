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

    /// The data themselves first, then what the collector says about its parts. What it said when it still ran is no
    /// news: without fresh data a part is at best a warning.
    static func rows(
        _ path: String, _ health: Reader.Health, now: Timestamp, freshnessLimit: Double
    ) -> [ComponentState] {
        let fresh = now.seconds(since: health.lastTick) <= freshnessLimit
        let age = health.lastTick.nanoseconds == 0 ? "no data yet" : "data from \(health.lastTick.rfc3339)"
        let remedy = fresh ? "" : "; is kernelsight-collector running?"
        let data = ComponentState(
            component: "data", status: fresh ? .ok : .error,
            message: "\(path): \(health.signalCount) signals, \(health.openSignals) open, \(age)\(remedy)")
        return [data]
            + health.components.map { component in
                var state = component.state
                if !fresh, state.status == .ok { state.status = .warning }
                return state
            }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
