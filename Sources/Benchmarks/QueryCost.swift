import Foundation
import Model
import Store

/// What the questions that people and the dashboard ask of the signals cost, however many there are.
public enum QueryCost {
    private static let timesEach = 1000

    /// Asks a database, which is only read. `end` is when its newest signals were written.
    ///
    /// COUNT, FILTERED and AGGREGATE are those of the first promise, whose figures (`seed`) stand beside ours. The windows are of
    /// whole minutes, which the rollups hold.
    public static func run(database: String, end: Timestamp, progress: (String) -> Void) throws -> [Figure] {
        let reader = Reader(path: database, connections: 1, timeLimit: .seconds(600))
        var high = SignalQuery()
        high.minimumSeverity = .high
        high.types = [.scheduler]
        func window(_ seconds: Double) -> Timestamp { end.advanced(bySeconds: -seconds) }
        let day = 86_400.0
        progress("rollups and indexes")
        var figures = [
            try figure("COUNT, 30 d", seed: "0.5", bar: 0.05) {
                _ = try reader.severityCounts(from: window(30 * day), to: end).total.count
            },
            try figure("FILTERED, 20 rows", seed: "2.1", bar: 0.2) { _ = try reader.signals(high) },
            try figure("AGGREGATE by type, 24 h", seed: "15.3", bar: 0.3) {
                let counts = try reader.counts(from: window(day), to: end)
                for type in SignalType.allCases { _ = counts[type].meanScore }
            },
        ]
        for (name, seconds, seed) in [
            ("1 h", 3600, "5"), ("24 h", day, "15"), ("7 d", 7 * day, "50"), ("30 d", 30 * day, "200"),
        ] {
            figures.append(
                try figure("COUNT of \(name)", seed: seed, bar: 1) {
                    _ = try reader.severityCounts(from: window(seconds), to: end).total.count
                })
        }
        progress("connections")
        figures += try connections(database)
        progress("the plain COUNT(*)")
        let raw = try RawSQLite(database, readOnly: true)
        var counted: Int64 = 0
        let once = try milliseconds {
            if case .integer(let count)? = try raw.rows("SELECT count(*) FROM signals").first?.first { counted = count }
        }
        figures.append(
            Figure("the plain COUNT(*)", once, "ms", detail: "of \(counted) signals, once, for comparison"))
        return figures
    }

    /// The newest 20 signals from a connection that is kept, and from one that is opened for them.
    private static func connections(_ database: String) throws -> [Figure] {
        let kept = Reader(path: database, connections: 1)
        _ = try kept.signals()
        let times = try (0..<timesEach).map { _ in
            (
                kept: try milliseconds { _ = try kept.signals() },
                opened: try milliseconds { _ = try Reader(path: database, connections: 1).signals() }
            )
        }
        return [
            .mean("20 signals, connection kept", times.map(\.kept)),
            .mean("20 signals, connection opened for them", times.map(\.opened)),
        ]
    }

    private static func figure(_ name: String, seed: String, bar: Double, _ ask: () throws -> Void) throws -> Figure {
        // What the first asks for is in nobody's cache yet.
        try ask()
        let times = try (0..<timesEach).map { _ in try milliseconds(ask) }
        return .mean(name, times, atMost: bar, "seed \(seed) ms")
    }
}
