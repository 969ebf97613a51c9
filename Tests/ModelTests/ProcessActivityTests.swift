import Model
import Testing

@Suite struct ProcessActivityTests {
    @Test func `what tracers and proc know of one process is joined`() {
        let identity = ProcessIdentity(pid: 7, startTicks: 70)
        var reading = ProcessReading(identity: identity, comm: "db")
        reading.residentBytes = 4096
        let merged = ProcessActivity.merge(traced: [ProcessActivity(identity: identity, comm: "db")], read: [reading])
        #expect(merged.count == 1)
        #expect(merged[0].proc?.residentBytes == 4096)
    }

    @Test func `a pid that is reused is another process`() {
        let old = ProcessActivity(identity: ProcessIdentity(pid: 7, startTicks: 70), comm: "old", exited: true)
        let new = ProcessReading(identity: ProcessIdentity(pid: 7, startTicks: 71), comm: "new")
        let merged = ProcessActivity.merge(traced: [old], read: [new])
        #expect(merged.map(\.comm) == ["old", "new"])
        #expect(merged[0].proc == nil)
    }

    @Test func `the scheduler's count of CPU time goes before proc's`() {
        var activity = ProcessActivity(identity: ProcessIdentity(pid: 1, startTicks: 1), comm: "x")
        #expect(activity.cpuNanoseconds(interval: 1) == nil)
        var reading = ProcessReading(identity: activity.identity, comm: "x")
        reading.cpuShare = 0.5
        activity.proc = reading
        #expect(activity.cpuNanoseconds(interval: 2) == 1e9)
        activity.scheduling = .init()
        #expect(activity.cpuNanoseconds(interval: 2) == 0)
    }
}
