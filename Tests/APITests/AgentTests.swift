import FastCGI
import Foundation
import Model
import Store
import Testing

@testable import API

/// What the agent wrote, as the API shows it.
@Suite struct AgentEndpointTests {
    private let host: Host
    private let journal: AgentJournal

    init() throws {
        host = try Host()
        journal = try AgentJournal(path: AgentReader.path(besides: host.path), digest: { "\($0.count)" })
    }

    private func beat(_ phase: String?, pid: Int32 = 7, at time: Timestamp = Host.now) throws {
        try journal.beat(
            AgentStatus(
                pid: pid, mode: "approve", started: time, beat: time, phase: phase,
                catalogue: #"[{"action":"throttle_io","obstacle":"no controller"}]"#))
    }

    private func decision(_ state: AgentDecision.State) throws -> Int64 {
        try journal.add(
            AgentDecision(
                id: 0, cycle: 1, signal: 3, action: #"{"kind":"pause_process"}"#, reason: "it helps", confidence: 0.9,
                state: state, created: Host.now, expires: state == .pending ? Host.now : nil, updated: Host.now))
    }

    @Test func `an agent that is heard of is active in a phase and idle between cycles`() throws {
        try beat("VERIFY")
        let active = host.get("/api/agent/status")
        #expect(active["status"] == "active")
        #expect(active["current_phase"] == "VERIFY")
        try beat(nil)
        #expect(host.get("/api/agent/status")["status"] == "idle")
        #expect(host.get("/api/agent/status")["mode"] == "approve")
    }

    @Test func `one that is not heard of any more is offline, and an error in diagnostics unless it was stopped`()
        throws
    {
        try beat(nil, at: Host.now.advanced(bySeconds: -60))
        #expect(host.get("/api/agent/status")["status"] == "offline")
        #expect(host.get("/api/diagnostics").component("agent", of: "checks")?["status"] == "error")
        try beat(nil, pid: 0, at: Host.now.advanced(bySeconds: -60))
        #expect(host.get("/api/agent/status")["status"] == "offline")
        #expect(host.get("/api/diagnostics").component("agent", of: "checks")?["status"] == "ok")
    }

    @Test func `diagnostics say which actions would do nothing here`() throws {
        try beat(nil)
        let answer = host.get("/api/diagnostics")
        let last = (answer.count("checks") ?? 1) - 1
        #expect(answer["checks.\(last).data.actions.0.obstacle"] == "no controller")
    }

    @Test func `history has phases, decisions and changes of each cycle, newest first`() throws {
        try beat(nil)
        for second in 0..<3 {
            let time = Host.now.advanced(bySeconds: Double(second))
            let cycle = try journal.openCycle(at: time, cause: "interval")
            let phase = AgentCycle.Phase(
                name: "OBSERVE", started: time, durationNanoseconds: 1_500_000, input: "{}", result: "{}",
                message: "nothing")
            try journal.add([phase], to: cycle, from: 0, outcome: "nothing", at: time)
        }
        let id = try decision(.standing)
        _ = try journal.intend(
            [(setting: #"{"file":{"_0":"/x"}}"#, before: "1", after: "2")], decision: id, at: Host.now)
        let answer = host.get("/api/agent/history", query: "limit=2")
        #expect(answer.count("iterations") == 2)
        #expect(answer["count"] == 3)
        #expect(answer["iterations.0.id"] == 3)
        #expect(answer["iterations.0.phases.OBSERVE.0"] == "nothing")
        #expect(answer["iterations.0.durations_ms.OBSERVE"] == 1.5)
        let all = host.get("/api/agent/history")
        #expect(all["iterations.2.actions.0.decision_id"] == 1)
        #expect(all["iterations.2.actions.0.changes.0.after"] == "2")
        let activity = host.get("/api/agent/status")
        #expect(activity["activity.0.phase"] == "OBSERVE")
        #expect(activity["standing.0.decision_id"] == 1)
    }

    @Test func `decisions are found by time and by signal, with their changes`() throws {
        #expect(host.get("/api/agent/decisions")["count"] == 0)
        try beat(nil)
        let id = try decision(.standing)
        _ = try journal.intend(
            [(setting: #"{"file":{"_0":"/x"}}"#, before: "1", after: "2")], decision: id, at: Host.now)
        let answer = host.get("/api/agent/decisions", query: "from=2026-11-25T02:00:00Z&to=2026-11-25T03:00:00Z")
        #expect(answer["count"] == 1)
        #expect(answer["decisions.0.decision_id"] == .integer(id))
        #expect(answer["decisions.0.cycle"] == 1)
        #expect(answer["decisions.0.changes.0.before"] == "1")
        #expect(host.get("/api/agent/decisions", query: "signal_id=3")["count"] == 1)
        #expect(host.get("/api/agent/decisions", query: "signal_id=4")["count"] == 0)
        #expect(host.get("/api/agent/decisions", query: "to=2026-11-25T02:00:00Z")["count"] == 0)
        #expect(
            host.get("/api/agent/decisions", query: "from=2026-11-25T04:00:00Z&to=2026-11-25T03:00:00Z").status == 422)
        #expect(host.get("/api/agent/decisions", query: "from=2026-11-25T02:00:00Z&signal_id=3").status == 422)
        #expect(host.get("/api/agent/decisions", query: "signal_id=0").status == 422)
    }

    @Test func `the audit is shown from its end, page by page`() throws {
        try beat(nil)
        for _ in 1...3 { _ = try decision(.pending) }
        let all = host.get("/api/agent/audit")
        let count = all.count("records") ?? 0
        #expect(count >= 3)
        #expect(all["records.0.id"] == .integer(Int64(count)))
        let page = host.get("/api/agent/audit", query: "limit=2&before=\(count)")
        #expect(page["count"] == 2)
        #expect(page["records.0.id"] == .integer(Int64(count - 1)))
    }

    @Test func `an agent database that is broken is said, and breaks nothing else`() throws {
        journal.close()
        let path = AgentReader.path(besides: host.path)
        try Data(repeating: 7, count: 8192).write(to: URL(filePath: path))
        #expect(host.get("/api/agent/status").status == 200)
        #expect(host.get("/api/agent/status")["status"] == "offline")
        #expect(host.get("/api/agent/history").status == 200)
        // Records that cannot be read are no empty ones.
        #expect(host.get("/api/agent/decisions").status == 503)
        #expect(host.get("/api/agent/audit").status == 503)
        #expect(host.get("/api/diagnostics").component("agent", of: "checks")?["status"] == "error")
        #expect(host.get("/api/signals").status == 200)
    }

    @Test func `an answer needs a token and an agent`() throws {
        let id = try decision(.pending)
        let path = "/api/agent/decisions/\(id)/approve"
        #expect(host.get(path).status == 405)
        #expect(host.get(path, method: "POST").status == 401)
        let token = [("HTTP_AUTHORIZATION", "Bearer abcdefghijklmnop")]
        #expect(host.get(path, method: "POST", headers: token).status == 503)
        #expect(host.get("/api/agent/decisions/x/approve", method: "POST", headers: token).status == 404)
        #expect(host.get("/api/agent/decisions/1/delete", method: "POST", headers: token).status == 404)
        #expect(host.get(path, method: "POST", headers: [("HTTP_AUTHORIZATION", "Basic x")]).status == 401)
    }
}
