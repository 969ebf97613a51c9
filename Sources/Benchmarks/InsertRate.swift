import Foundation
import Model
import Store

/// Signals per second through the writer, indexes and rollups included, beside the raw C interface writing the same rows
/// into the same schema in transactions of the same size.
public enum InsertRate {
    private static let batch = 20_000

    public static func run(signals count: Int, rounds: Int, progress: (String) -> Void) throws -> [Figure] {
        var ours: [Double] = []
        var raw: [Double] = []
        var size = 0.0
        for round in 1...max(rounds, 1) {
            progress("inserts, round \(round) of \(rounds)")
            let scratch = try Scratch()
            let filled = scratch.file("ours.db").path
            ours.append(try ownRate(path: filled, count: count, batch: batch))
            size = Double(try Data(contentsOf: URL(fileURLWithPath: filled), options: .alwaysMapped).count)
            raw.append(try rawRate(rowsOf: filled, count: count, scratch: scratch))
        }
        progress("one commit each")
        let scratch = try Scratch()
        let single = try ownRate(path: scratch.file("single.db").path, count: 1000, batch: 1)
        let ratios = zip(ours, raw).map { $0 / $1 }
        return [
            Figure(
                "signals, batched insert ÷ raw C interface", Samples(ratios).median, "", bar: .atLeast(0.6),
                rounds: ratios,
                detail: "\(short(Samples(ours).median)) rows/s against \(short(Samples(raw).median)), "
                    + "batches of \(batch), \(rounds) rounds"),
            Figure(
                "database: size of a signal, all indexes and rollups", size / Double(count), "bytes", bar: .atMost(300),
                detail:
                    "\(count) signals in batches of \(batch), with seven values, three inputs, a culprit and a victim; seed 500"
            ),
            Figure(
                "signals, one commit each", single, "rows/s",
                detail:
                    "1000 signals; batched \(short(Samples(ours).median / single)) times as many; seed 450 and 27.8 times"
            ),
        ]
    }

    /// Without the time that making the signals takes.
    private static func ownRate(path: String, count: Int, batch: Int) throws -> Double {
        var configuration = WriterConfiguration()
        configuration.batchRows = batch
        let writer = try Writer(path: path, configuration: configuration)
        defer { writer.close() }
        let end = Timestamp(nanoseconds: 1_800_000_000_000_000_000)
        var demo = DemoData(signals: count, span: 86_400, end: end)
        var spent = 0.0
        while case let episodes = demo.next(batch), !episodes.isEmpty {
            spent += try milliseconds {
                writer.submit(TickRecord(time: end, episodes: episodes))
                try writer.flush()
            }
        }
        return Double(count) * 1000 / spent
    }

    private static func rate(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        Double(count) * 1000 / (try milliseconds(body))
    }

    private static func rawRate(rowsOf filled: String, count: Int, scratch: Scratch) throws -> Double {
        let source = try RawSQLite(filled)
        let tables = ["signals", "rollups"]
        var rows: [String: [[RawSQLite.Value]]] = [:]
        for table in tables { rows[table] = try source.rows("SELECT * FROM \(table)") }

        let path = scratch.file("raw.db").path
        try Writer(path: path).close()
        let target = try RawSQLite(path)
        try target.execute("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF")
        func insertion(_ table: String) -> String {
            let columns = rows[table]?.first?.count ?? 0
            return "INSERT INTO \(table) VALUES (\(repeatElement("?", count: columns).joined(separator: ", ")))"
        }
        return try rate(count) {
            for start in stride(from: 0, to: count, by: batch) {
                let end = min(start + batch, count)
                try target.execute("BEGIN IMMEDIATE")
                for table in tables.dropLast() {
                    try target.insert(insertion(table), rows[table]?[start..<end] ?? [])
                }
                if end == count { try target.insert(insertion("rollups"), rows["rollups"] ?? []) }
                try target.execute("COMMIT")
            }
        }
    }
}
