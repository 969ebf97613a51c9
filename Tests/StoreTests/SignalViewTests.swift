import Foundation
import GRDB
import Model
import Testing

@testable import Store

struct SignalViewTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(
        arguments: [
            ["nginx", "12.5", "stress-ng"], ["a\"b", "c\\", "\\\""], ["{1}", "}{0}{", "{{2}}"],
            ["line\nbreak\ttab\u{1}", "\u{FFFD}\u{FFFD}", "日本 🎉"], ["", "'; DROP TABLE signals; --", "%s %n"],
            ["only one"], [], ["0", "00", "007"], ["123456789012345", "1234567890123456", "-5"],
            ["1e3", "12.50", "+1"], ["3.4", "0.5", "3.0"], ["00.5", "1.", ".5"], ["99999999999999.9", "1.2.3", "-0.5"],
            ["nginx (pid 4242)", "stress-ng (pid 77 and 7 more)", "stress-ng (pid 77)"],
            ["stress-ng (pid 77 and 0 more)", "nginx (pid 4242 and 07 more)", "nginx (pid 4242 and 123456789 more)"],
            ["nginx (pid 77)", "stress-ng (pid 77) more)", "nginx (pid 4242 and 1234567890 more)"],
        ])
    func `what the view shows is what Message renders`(_ values: [String]) throws {
        let written = episode(1, values: values)
        try write([written])
        try look(scratch.database) { db in
            let row = try #require(try Row.fetchOne(db, sql: "SELECT * FROM signal_metadata"))
            let message = written.finding.message
            #expect(row["summary"] == message.summary)
            #expect(try strings(row["patterns"]) == message.patterns)
            #expect(try strings(row["reasoning_hints"]) == message.hints)
        }
        let stored = try #require(try Reader(path: scratch.database).signal(id: 1))
        #expect(stored.signal.message == written.finding.message)
        #expect(try summary(stored.signal) == written.finding.message.summary)
    }

    /// What stands in JSON, read by somebody else.
    private func summary(_ signal: StoredSignal) throws -> String? {
        var json = JSONWriter()
        json.object {
            signal.writeSummary("summary", to: &$0)
            $0.member("next", 1)
        }
        let object = try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any]
        #expect(object?["next"] as? Int == 1)
        return object?["summary"] as? String
    }

    @Test func `a name that the details have is stored as whose it is, also one that JSON must escape`() throws {
        var written = episode(1, values: [#"a"b\c (pid 77 and 7 more)"#, "nginx (pid 4242)", "{0} (pid 5)"])
        written.finding.culprits[0].comm = #"a"b\c"#
        try write([written])
        try look(scratch.database) { db in
            let row = try #require(try Row.fetchOne(db, sql: "SELECT * FROM signal_metadata"))
            #expect(row["summary"] == written.finding.message.summary)
            #expect(try strings(row["reasoning_hints"]) == written.finding.message.hints)
            #expect(
                try String.fetchOne(db, sql: #"SELECT "values" FROM signals"#) == #"[[0,7],[1],"❴0❵ (pid 5)"]"#)
        }
        let stored = try #require(try Reader(path: scratch.database).signal(id: 1))
        #expect(stored.signal.message == written.finding.message)
        #expect(try summary(stored.signal) == written.finding.message.summary)
    }

    @Test(arguments: [
        "", "x", "[", "[\"", "[\"a", "[\"a\\", "[\"a\\u00", "[1,", "[[", "[[0", "[[0,9", "[[7,1]]", "[\"a\u{1}b\"]",
        "[\"\\u12\"]",
        "[1,2,3,4,5,6,7,8,9,10,11,12]",
    ])
    func `values that were damaged are no crash, and stay JSON`(_ values: String) throws {
        try write([episode(1)])
        let queue = try DatabaseQueue(path: scratch.database)
        try queue.write { try $0.execute(sql: "UPDATE signals SET \"values\" = ?", arguments: [values]) }
        try queue.close()
        let stored = try #require(try Reader(path: scratch.database).signal(id: 1))
        #expect(try summary(stored.signal) == stored.signal.message.summary)
    }

    @Test func `the view has the promised columns`() throws {
        var written = episode(
            7, .ioCongestion, .high, score: 0.8765, entity: Entity(kind: .device, id: "8:0", name: "sda"))
        written.current = Grade(severity: .low, score: 0.1)
        try write([written])
        try look(scratch.database) { db in
            let row = try #require(try Row.fetchOne(db, sql: "SELECT * FROM signal_metadata"))
            #expect(
                Array(row.columnNames) == [
                    "id", "timestamp", "signal_category", "signal_type", "scope", "semantic_label", "severity",
                    "pressure_score", "summary", "patterns", "reasoning_hints", "source_table", "source_id",
                    "entity_type", "entity_id", "entity_name", "context_json", "first_seen", "last_seen",
                    "occurrence_count", "state", "closed_at", "current_severity", "current_score",
                ])
            #expect(row["signal_category"] == "symptom")
            #expect(row["scope"] == "device")
            #expect(row["entity_id"] == "8:0")
            #expect(row["pressure_score"] == 0.8765)
            #expect(row["current_severity"] == "low")
            #expect(row["state"] == "closed")
            let process = #"{"process":{"pid":77,"start_ticks":5},"comm":"stress-ng","cgroup":"/","#
            let victim = #"{"process":{"pid":4242,"start_ticks":99},"comm":"nginx","cgroup":"/","#
            #expect(
                row["context_json"] as String == #"{"evidence":[{"metric":"runq.latency","value":12.5,"unit":"ms","#
                    + #""threshold":5,"window":1,"baseline":null}],"culprits":["# + process
                    + #""share":0.9,"measure":"CPU time"}],"victims":["# + victim
                    + #""stall_milliseconds_per_second":120,"stall":"run-queue wait"}]}"#)
        }
    }

    @Test(
        arguments: [
            ("SELECT * FROM signal_metadata WHERE timestamp > 5 ORDER BY timestamp DESC LIMIT 100", "idx_timestamp"),
            (
                "SELECT * FROM signal_metadata WHERE signal_type = 'syscall' AND timestamp > 5 ORDER BY timestamp DESC",
                "idx_composite"
            ),
            ("SELECT * FROM signal_metadata WHERE severity = 'critical' ORDER BY id DESC LIMIT 20", "idx_severity"),
            ("SELECT count(*) FROM signal_metadata WHERE severity = 'high'", "idx_severity"),
            ("SELECT * FROM signal_metadata WHERE state = 'open'", "idx_shown_open"),
            ("DELETE FROM signal_metadata WHERE timestamp < 5", "idx_timestamp"),
        ])
    func `what people type uses an index`(_ sql: String, _ index: String) throws {
        try write([episode(1)])
        let plan = try run("/usr/bin/sqlite3", "-readonly", scratch.database, "EXPLAIN QUERY PLAN " + sql).output
        #expect(
            plan.contains("s USING INDEX \(index)") || plan.contains("USING COVERING INDEX \(index)"), "\(plan)")
        #expect(!plan.contains("SCAN s\n"), "\(plan)")
        #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
    }

    @Test func `a clean-up by hand works in the stock shell, and the rollups follow`() throws {
        let times = (0..<200).map { start.advanced(bySeconds: Double($0) * 60) }
        try write(times.enumerated().map { episode(Int64($0 + 1), at: $1) })
        let cutoff = start.advanced(bySeconds: 100 * 60).nanoseconds
        let shell = try run(
            "/usr/bin/sqlite3", scratch.database, "DELETE FROM signal_metadata WHERE timestamp < \(cutoff); VACUUM;")
        #expect(shell.status == 0, "\(shell.output)")
        let reader = Reader(path: scratch.database)
        #expect(try reader.health().signalCount == 100)
        #expect(try reader.counts(from: start, to: times[120]).total.count == 20)
        #expect(try count(scratch.database, "signal_metadata") == 100)
        let writer = try Writer(path: scratch.database)
        #expect(writer.nextEpisodeID == 201)
        writer.close()
    }

    private func strings(_ json: String) throws -> [String]? {
        try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String]
    }

    private func write(_ episodes: [Episode]) throws {
        let writer = try Writer(path: scratch.database)
        writer.submit(TickRecord(time: start, episodes: episodes))
        writer.close()
    }
}
