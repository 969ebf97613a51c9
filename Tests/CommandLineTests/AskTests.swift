import Foundation
import Glibc
import Model
import Store
import Testing

@testable import kernelsight

/// What the command line says of what the API answers.
@Suite struct AskTests {
    private let now = Timestamp(nanoseconds: 1_795_575_600_000_000_000)
    private let terminal = Terminal(hasColours: false)

    private func signal(_ members: String = "") throws -> Replies.Signal {
        let json = """
            {"id":7,"timestamp":1795575480000000000,"timestamp_iso":"2026-11-25T02:58:00.000Z","signal_type":"scheduler",
            "label":"cpu_starvation","state":"open","severity":"high","current_severity":"high","pressure_score":0.8,
            "summary":"nginx waits","entity":{"type":"process","id":"1@2","name":"nginx"},"closed_at":null,
            "closed_at_iso":null,"occurrence_count":3,"culprits":[{"process":{"pid":77,"start_ticks":1},"comm":"x\\u001b[2J",
            "cgroup":"/","share":0.92,"measure":"CPU time"}]\(members)}
            """
        return try Replies.decoder.decode(Replies.Signal.self, from: Data(json.utf8))
    }

    private func diagnostics(stale: Bool = false, blind: String = "{}") throws -> Replies.Diagnostics {
        let json = """
            {"overall_status":"error","stale":\(stale),"data_timestamp_ns":1,"checks":[{"component":"detection","status":"ok","details":["fine"],
            "data":{"blind":\(blind)}},{"component":"collector","status":"error","details":["it is down"]}]}
            """
        return try Replies.decoder.decode(Replies.Diagnostics.self, from: Data(json.utf8))
    }

    private func agent(_ pending: String = "") throws -> Replies.Agent {
        let json = #"{"status":"idle","message":"waits","pending":[\#(pending)],"standing":[]}"#
        return try Replies.decoder.decode(Replies.Agent.self, from: Data(json.utf8))
    }

    @Test func `why says what is wrong, who causes it, who suffers, and what waits for a yes`() throws {
        let grave = try signal(
            #","victims":[{"process":{"pid":9,"start_ticks":1},"comm":"nginx","cgroup":"/","stall_milliseconds_per_second":120,"stall":"run-queue wait"}]"#
        )
        let waiting = try agent(
            #"{"decision_id":3,"signal_id":7,"action":{"kind":"throttle_cpu","process":{"pid":77,"start_ticks":1},"value":"20"},"reason":"r","state":"pending","verdict":null,"note":null}"#
        )
        let (verdict, lines) = Why.explain([grave], low: 2, try diagnostics(), waiting, terminal, now: now)
        #expect(verdict == .wrong)
        #expect(
            lines == [
                "high scheduler for 2 min 0 s: nginx waits", "  caused by x?[2J (77), 92 % of CPU time",
                "  suffer: nginx (9) 120 ms/s run-queue wait",
                "  the agent would throttle_cpu on 77 to 20: kernelsight agent approve 3",
                "and 2 that hurt nobody: kernelsight signals --state open",
            ])
    }

    @Test func `a calm host is well only where everything is seen`() throws {
        #expect(Why.explain([], low: 0, try diagnostics(), try agent(), terminal, now: now).0 == .well)
        let blind = Why.explain(
            [], low: 1, try diagnostics(blind: #"{"syscall":"off"}"#), try agent(), terminal, now: now)
        #expect(blind.0 == .unknown)
        #expect(blind.1.last == "cannot be told: syscall (off)")
        let stale = Why.explain([], low: 0, try diagnostics(stale: true), try agent(), terminal, now: now)
        #expect(stale.0 == .unknown)
        #expect(stale.1 == ["Unknown: the data are stale.", "it is down"])
    }

    @Test func `a list has a line for each signal, and CSV keeps quotes inside`() throws {
        var one = try signal()
        one.summary = "a \"b\", c"
        let reply = Replies.Signals(summary: "Found 1 signal.", stale: false, nextCursor: nil, signals: [one])
        #expect(
            SignalsCommand.lines(reply, terminal, now: now) == [
                "Found 1 signal.", "7 high scheduler, open for 2 min 0 s: a \"b\", c",
            ])
        #expect(
            SignalsCommand.csv(reply).last == #"2026-11-25T02:58:00.000Z,scheduler,high,0.8,"a ""b"", c""#)
    }

    @Test func `columns are as wide as they need, and a name cannot paint the screen`() {
        let lines = Terminal.table([["pid", "name"], ["7", "a\u{1B}[31m"], ["1234", "b"]], right: [0])
        #expect(lines == [" pid  name", "   7  a?[31m", "1234  b"])
        #expect(Terminal.plain("abcdef", limit: 4) == "abc…")
        #expect(Terminal.duration(3725) == "1 h 2 min")
    }

    @Test func `doctor judges a kernel by its version`() {
        #expect(Doctor.kernel(release: "6.18.44-x").first?.level == .ok)
        #expect(Doctor.kernel(release: "6.1.0-13-amd64").first?.level == .less)
        #expect(Doctor.kernel(release: "4.19.0").first?.what.contains("5.15") == true)
        #expect(Doctor.kernel(release: "strange").first?.level == .less)
    }

    @Test func `doctor names each tracer with what stands in for it, and else what is not in order`() {
        let findings = Doctor.parts([
            ComponentState(component: "sched_tracer", status: .ok, message: "attached to tp_btf/sched_switch"),
            ComponentState(component: "syscall_tracer", status: .warning, message: "no BTF. Meanwhile: /proc"),
            ComponentState(component: "retention", status: .ok, message: "keeps"),
            ComponentState(component: "writer", status: .error, message: "the disk\u{1B} is full"),
        ])
        #expect(
            findings == [
                .init(.ok, "sched_tracer: attached to tp_btf/sched_switch"),
                .init(.less, "syscall_tracer: no BTF. Meanwhile: /proc"), .init(.lacks, "writer: the disk? is full"),
            ])
    }

    @Test func `predict says what may come, in the measure's own unit`() throws {
        let json = #"""
            {"unit":"share","projected_value":1,"band":{"lower":0.98,"upper":1,"probability":0.95},"duration_minutes":30,
            "trend":{"confidence":"high","points":180,"r_squared":0.994},"risk_level":"critical",
            "scenario_description":"memory.used is 70 %"}
            """#
        #expect(
            Predict.lines(try Replies.decoder.decode(Replies.Prediction.self, from: Data(json.utf8))) == [
                "risk critical, confidence high (180 points, r² 0.99)", "memory.used is 70 %",
                "in 30 minutes 100 %, with 95 % probability 98 % to 100 %",
            ])
    }

    @Test func `an API that is not there is said, with what helps`() throws {
        var options = try SourceOptions.parse(["--api", "http://127.0.0.1:1"])
        #expect(throws: Failure.self) { try options.ask("/api/health") }
        options.api = "https://x"
        #expect(throws: Failure.self) { try options.ask("/api/health") }
        options.database = "/none/k.db"
        #expect(throws: Failure.self) { try options.ask("/api/signals") }
    }
}
