import Foundation
import Model
import Store

/// What histories of an hour to a month take on disk, and to be counted and listed.
public enum HistorySize {
    /// A million signals in 30 days.
    private static let perSecond = 1e6 / (30 * 86_400)

    /// The periods with what was promised: milliseconds for a query, megabytes.
    private static let periods: [(name: String, seconds: Double, milliseconds: Double, megabytes: Double)] = [
        ("1 h", 3600, 5, 50), ("24 h", 86_400, 15, 500), ("7 d", 7 * 86_400, 50, 3500),
        ("30 d", 30 * 86_400, 200, 15_000),
    ]

    public static func run(progress: (String) -> Void) async throws -> [Figure] {
        var figures: [Figure] = []
        for period in periods {
            progress("a history of \(period.name)")
            let scratch = try Scratch()
            let path = scratch.path("bench.db")
            let end = Timestamp.now
            let count = Int(period.seconds * perSecond)
            try await DemoData.fill(path: path, signals: count, span: period.seconds, end: end)
            let bytes = try Data(contentsOf: scratch.file("bench.db"), options: .alwaysMapped).count
            let reader = Reader(path: path, connections: 1)
            func ask() throws {
                _ = try reader.severityCounts(from: end.advanced(bySeconds: -period.seconds), to: end).total.count
                _ = try reader.signals()
            }
            try ask()
            let times = try (0..<1000).map { _ in try milliseconds(ask) }
            figures.append(
                Figure(
                    "signals of \(period.name): size", Double(bytes) / 1e6, "MB", bar: .atMost(period.megabytes),
                    detail: "\(count) signals, a million in 30 d; seed \(short(period.megabytes)) MB"))
            figures.append(
                .mean(
                    "signals of \(period.name): all counted and 20 listed", times, atMost: 1,
                    "seed \(short(period.milliseconds)) ms"))
        }
        return figures
    }
}
