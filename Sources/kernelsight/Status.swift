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
        let now = Timestamp(nanoseconds: Int64(time(nil)) * 1_000_000_000)
        let age = max(0, now.seconds(since: health.lastTick))
        let fresh = age <= settings.api.freshnessLimitSeconds

        var rows = [
            ("database", fresh ? "ok" : "error", "\(path): \(health.signalCount) signals, \(health.openSignals) open")
        ]
        rows[0].2 += health.lastTick.nanoseconds == 0 ? "; no data yet" : "; data from \(health.lastTick.rfc3339)"
        if !fresh { rows[0].2 += "; is kernelsight-collector running?" }
        rows += health.components.map { ($0.state.component, $0.state.status.rawValue, $0.state.message) }
        let widths = (rows.map(\.0.count).max() ?? 0, rows.map(\.1.count).max() ?? 0)
        for row in rows { print(row.0.padded(widths.0), row.1.padded(widths.1), row.2, separator: "  ") }
        if !fresh || health.components.contains(where: { $0.state.status == .error }) { throw ExitCode.failure }
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
