import Foundation
import Model
import Testing

@testable import kernelsight_collector

/// What the parts of the collector say about themselves.
struct ComponentsTests {
    private func detail(_ state: ComponentState) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(state.detail.utf8)) as? [String: Any])
    }

    private func tracer(_ state: TracerStatus.State) -> TracerStatus {
        var ledger = Ledger()
        ledger.seen = 1000
        ledger.aggregated = 1000
        return TracerStatus(
            name: .syscall, state: state, hooks: ["tp_btf/sys_enter"], fallback: "none", ledger: ledger,
            eventsPerSecond: 10)
    }

    @Test func `a tracer whose hooks were taken off has stopped and was not disabled`() throws {
        let state = Components.tracer(tracer(.detached), uptime: 10)
        #expect(state.status == .warning)
        #expect(state.message == "the collector has stopped")
        #expect(try detail(state)["state"] as? String == "detached")
    }

    @Test(arguments: [nil, 42]) func `what is in flight is a number once it has been counted`(count: UInt64?) throws {
        var status = tracer(.attached)
        status.ledger.inFlight = count
        let ledger = try #require(try detail(Components.tracer(status, uptime: 1))["ledger"] as? [String: Any])
        #expect(ledger["in_flight"] as? UInt64 == count)
    }

    @Test func `the last row of a part keeps its numbers and says that it has stopped`() throws {
        let state = Components.last(Components.tracer(tracer(.attached), uptime: 10))
        #expect(state.component == "syscall_tracer")
        #expect(state.status == .warning)
        #expect(state.message == "the collector has stopped")
        let ledger = try #require(try detail(state)["ledger"] as? [String: Any])
        #expect(ledger["seen"] as? Int == 1000)
    }
}
