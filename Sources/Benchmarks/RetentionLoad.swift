import Foundation
import Model
import Store
import Synchronization

/// What removing old signals does to reads while signals are written as fast as they can be, and how the WAL fares behind a reader
/// that holds its snapshot.
public enum RetentionLoad {
    private static let signals = 600_000
    private static let days = 30.0
    private static let batch = 2000
    private static let walLimit = 64.0

    /// - Parameter hold: seconds for which a reader holds its snapshot.
    public static func run(hold: Double, progress: (String) -> Void) async throws -> [Figure] {
        let scratch = try Scratch()
        let path = scratch.path("bench.db")
        let end = Timestamp.now
        try await DemoData.fill(path: path, signals: signals, span: days * 86_400, end: end, progress: progress)
        let writer = try Writer(path: path)
        defer { writer.close() }
        let each =
            Double(try Data(contentsOf: scratch.file("bench.db"), options: .alwaysMapped).count) / Double(signals)
        let load = WriteLoad(writer, first: signals, from: end, batch: batch)
        defer { load.stop() }
        let reader = Reader(path: path, connections: 2)

        progress("reads beside writes")
        let before = try await reads(reader, seconds: 10)
        progress("reads beside writes and the removal of a third of all signals")
        let removal = Task { try await writer.prune(olderThan: end.advanced(bySeconds: -days * 57_600)) }
        let isOver = Atomic(false)
        async let over: Void = {
            _ = try? await removal.value
            isOver.store(true, ordering: .relaxed)
        }()
        let during = try await reads(reader) { isOver.load(ordering: .relaxed) }
        await over
        let removed = try await removal.value
        let rate = load.perSecond
        try load.finish()
        progress("the file shrinks")
        // What is given back is written, and checkpointed, with what comes each second.
        let trickle = WriteLoad(writer, first: signals + load.written, from: end, batch: 10, pause: 1)
        defer { trickle.stop() }
        let full = try await settle(writer)
        let more = try await writer.prune(olderThan: end)
        let given = Double(full - (try await settle(writer))) / Double(more)
        try trickle.finish()
        return [
            Figure(
                "slowest read while old signals are removed", during.last ?? .nan, "ms", bar: .atMost(10),
                detail:
                    "p99 \(short(during[during.count * 99 / 100])) ms of \(during.count) reads, \(removed) signals removed, "
                    + "\(short(rate)) written a second; without removal \(short(before.last ?? .nan)) and "
                    + "\(short(before[before.count * 99 / 100])) ms"),
            Figure(
                "bytes given back for a signal removed ÷ bytes of one", given / each, "", bar: .atLeast(0.8),
                detail: "\(short(given)) of \(short(each)), \(more) removed without a VACUUM"),
        ] + (try snapshot(path: path, writer, after: signals + load.written + trickle.written, hold: hold, progress))
    }

    /// The WAL while a snapshot is held, and after.
    private static func snapshot(
        path: String, _ writer: Writer, after last: Int, hold: Double, _ progress: (String) -> Void
    ) throws -> [Figure] {
        progress("a reader holds its snapshot for \(Int(hold)) s")
        let load = WriteLoad(writer, first: last, from: .now, batch: batch, pause: 1)
        defer { load.stop() }
        let holder = try RawSQLite(path, readOnly: true)
        try holder.execute("BEGIN")
        _ = try holder.rows("SELECT count(*) FROM components")
        Thread.sleep(forTimeInterval: hold)
        let largest = megabytes(writer)
        try holder.execute("COMMIT")
        let released = ContinuousClock.now
        while megabytes(writer) > walLimit, ContinuousClock.now < released + .seconds(120) { usleep(20_000) }
        let taken = (ContinuousClock.now - released).milliseconds / 1000
        try load.finish()
        return [
            Figure(
                "WAL: under 64 MB after a snapshot is released",
                largest > walLimit ? taken : .nan,
                "s", bar: .atMost(10),
                detail:
                    "\(short(largest)) MB after \(Int(hold)) s of \(batch) signals a second, \(short(megabytes(writer))) then"
            )
        ]
    }

    private static func megabytes(_ writer: Writer) -> Double { Double(writer.status.walBytes) / 1e6 }

    /// The size of the database once it has stayed the same for some seconds.
    private static func settle(_ writer: Writer) async throws -> Int64 {
        var (last, same) = (Int64.max, 0)
        for _ in 0..<180 where same < 5 {
            try await Task.sleep(for: .seconds(1))
            let now = writer.status.databaseBytes
            same = now == last ? same + 1 : 0
            last = now
        }
        return last
    }

    private static func reads(_ reader: Reader, seconds: Double) async throws -> [Double] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        return try await reads(reader) { ContinuousClock.now > deadline }
    }

    /// Milliseconds of each read, sorted: what people look at, a hundred times a second.
    private static func reads(_ reader: Reader, until isOver: () -> Bool) async throws -> [Double] {
        var times: [Double] = []
        while !isOver() || times.isEmpty {
            times.append(try milliseconds { _ = try reader.signals() })
            let now = Timestamp.now
            times.append(
                try milliseconds { _ = try reader.severityCounts(from: now.advanced(bySeconds: -86_400), to: now) })
            try await Task.sleep(for: .milliseconds(10))
        }
        return times.sorted()
    }
}

/// Signals that are written on a thread of their own until it is stopped.
private final class WriteLoad: Sendable {
    private final class Shared: Sendable {
        let isStopped = Atomic(false)
        let written = Atomic(0)
        let failure = Mutex<(any Error)?>(nil)
        let ended = DispatchGroup()
    }

    private let shared = Shared()
    private let start = ContinuousClock.now

    /// - Parameters:
    ///   - first: the id of the first signal.
    ///   - pause: seconds between two batches; none where it writes as fast as it can.
    init(_ writer: Writer, first: Int, from time: Timestamp, batch: Int, pause: Double = 0) {
        let shared = shared
        shared.ended.enter()
        Thread.detachNewThread {
            defer { shared.ended.leave() }
            // A thousand a second, by their own time.
            let span = 100_000.0
            var demo = DemoData(
                signals: 100_000_000, first: first, span: span, end: time.advanced(bySeconds: span))
            do {
                while !shared.isStopped.load(ordering: .relaxed) {
                    writer.submit(TickRecord(time: time, episodes: demo.next(batch)))
                    try writer.flush()
                    shared.written.add(batch, ordering: .relaxed)
                    Thread.sleep(forTimeInterval: pause)
                }
            } catch {
                shared.failure.withLock { $0 = error }
            }
        }
    }

    var written: Int { shared.written.load(ordering: .relaxed) }
    var perSecond: Double { Double(written) * 1000 / (ContinuousClock.now - start).milliseconds }

    /// Throws what it failed with: then it had ended before.
    func finish() throws {
        stop()
        if let failure = shared.failure.withLock({ $0 }) { throw failure }
    }

    func stop() {
        shared.isStopped.store(true, ordering: .relaxed)
        shared.ended.wait()
    }
}
