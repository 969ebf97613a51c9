import Model
import Testing

@testable import Readers

struct CPUTests {
    private func sample(_ text: String) throws -> CPUSample { try #require(parse(text, CPUSample.init(parsing:))) }

    private func file(_ cores: [String], contextSwitches: Int = 100) -> String {
        "cpu  \(cores[0])\n" + cores.enumerated().map { "cpu\($0) \($1)\n" }.joined()
            + "ctxt \(contextSwitches)\nprocesses 5\nprocs_running 3\nprocs_blocked 2\n"
    }

    @Test func `shares are of the time that passed and sum to one`() throws {
        let before = try sample(file(["100 0 50 800 50 0 0 0 0 0"]))
        let after = try sample(file(["140 10 70 820 56 1 2 1 0 0"], contextSwitches: 300))
        let reading = try #require(after.rates(since: before, seconds: 2))
        #expect(isClose(reading.total.user, 0.40))
        #expect(isClose(reading.total.idle, 0.20))
        #expect(isClose(reading.total.iowait, 0.06))
        #expect(isClose(reading.total.busy, 0.74))
        let total = reading.total
        let sum =
            total.user + total.nice + total.system + total.idle + total.iowait + total.irq + total.softirq + total.steal
        #expect(isClose(sum, 1))
        #expect(reading.contextSwitchesPerSecond * reading.seconds == 200)
        #expect(reading.running == 3)
        #expect(reading.blocked == 2)
    }

    @Test func `a core that appears has no shares before its second sample, and one that goes has none`() throws {
        let before = try sample(file(["100 0 0 100", "100 0 0 100"]))
        let after = try sample(file(["150 0 0 150"]) + "cpu7 5 0 0 5\n")
        #expect(try #require(after.rates(since: before, seconds: 1)).cores.keys.sorted() == [0])
    }

    @Test func `a counter that went backwards gives no reading`() throws {
        let before = try sample(file(["100 0 50 800"]))
        #expect(try sample(file(["10 0 60 900"])).rates(since: before, seconds: 1) == nil)
        #expect(try sample(file(["110 0 60 900"], contextSwitches: 99)).rates(since: before, seconds: 1) == nil)
    }

    @Test func `iowait that the kernel steps back is no reset`() throws {
        let before = try sample(file(["100 0 50 800 50"]))
        let reading = try #require(try sample(file(["150 0 50 850 49"])).rates(since: before, seconds: 1))
        #expect(reading.total.iowait == 0)
        #expect(isClose(reading.total.user, 0.5))
    }

    @Test func `two samples within one clock tick give no reading`() throws {
        let text = file(["100 0 50 800 50"])
        #expect(try sample(text).rates(since: try sample(text), seconds: 0.001) == nil)
    }
}
