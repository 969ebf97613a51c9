import Glibc
import Model

/// What a running collector writes of its own cost.
struct OwnAccount {
    private let raw: RawSQLite

    /// Waits for the first account: a collector says that its tracers are attached before it opens its database.
    init(database: String) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while (try? OwnAccount(RawSQLite(database, readOnly: true)).now()) == nil, ContinuousClock.now < deadline {
            usleep(20_000)
        }
        raw = try RawSQLite(database, readOnly: true)
    }

    private init(_ raw: RawSQLite) { self.raw = raw }

    /// What it says of one second.
    struct Second {
        var time: Timestamp
        /// Percent of the host that it and its hooks took.
        var percent: Double
        /// Tracers that look at less than everything.
        var lowered: Int
    }

    /// The latest second that is committed: where the host holds up commits, one that is long ago.
    func now() throws -> Second {
        let time = try number("SELECT timestamp FROM components WHERE component = 'governor'")
        return Second(
            time: Timestamp(nanoseconds: Int64(time)),
            percent: try number(
                "SELECT json_extract(detail, '$.cost_percent_of_host') FROM components WHERE component = 'governor'"),
            lowered: Int(
                try number(
                    "SELECT count(*) FROM components WHERE json_extract(detail, '$.coverage') IN ('sampled', 'off')")))
    }

    /// When it last let a tracer look at less, if that was after a time.
    func lastStepDown(after time: Timestamp) throws -> Timestamp? {
        let steps = """
            SELECT ifnull(max(timestamp), 0) FROM governor_steps
                WHERE to_coverage <> 'full' AND from_coverage <> 'off' AND timestamp > \(time.nanoseconds)
            """
        let found = Int64(try number(steps))
        return found > 0 ? Timestamp(nanoseconds: found) : nil
    }

    func mapBytes() throws -> Double {
        try number("SELECT sum(json_extract(detail, '$.cost.map_bytes')) FROM components")
    }

    /// What a tracer's hooks took of the host in the last second; throws where it does not measure everything.
    func percent(of tracer: String) throws -> Double {
        let coverage = try raw.rows(
            "SELECT json_extract(detail, '$.coverage') FROM components WHERE component = '\(tracer)'")
        guard case .text("full")? = coverage.first?.first else {
            throw BenchmarkFailure("\(tracer) does not measure everything")
        }
        return try number(
            """
            SELECT json_extract(t.value, '$.percent_of_host') FROM components, json_each(detail, '$.tracers') t
                WHERE component = 'governor' AND json_extract(t.value, '$.name') = '\(tracer)'
            """)
    }

    /// Bytes that a tracer has in the kernel, and the events a second that it may send.
    func limits(of tracer: String) throws -> (mapBytes: Double, eventsPerSecond: Double) {
        func detail(_ path: String) throws -> Double {
            try number("SELECT json_extract(detail, '$.\(path)') FROM components WHERE component = '\(tracer)'")
        }
        return (try detail("cost.map_bytes"), try detail("events_per_second"))
    }

    private func number(_ sql: String) throws -> Double {
        switch try raw.rows(sql).first?.first {
        case .integer(let value): return Double(value)
        case .text(let text): if let value = Double(text) { return value }
        case .null, nil: break
        }
        throw BenchmarkFailure("the collector has not written: \(sql)")
    }
}
