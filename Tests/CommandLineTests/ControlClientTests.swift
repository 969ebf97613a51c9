import Control
import Model
import Testing

@testable import kernelsight

@Suite(.timeLimit(.minutes(1))) struct ControlClientTests {
    private let request = ControlRequest.prune(before: Timestamp(nanoseconds: 12))

    @Test func `the collector is asked with one line and its reply is read`() throws {
        let collector = try OneAnswer("ok signals=3\n")
        #expect(try request.ask(at: collector.path, timeout: 5) == .pruned(signals: 3))
        #expect(collector.request == "prune 12\n")
    }

    @Test func `the collector's reason is passed on`() throws {
        let collector = try OneAnswer("error the disk is full\n")
        #expect(try request.ask(at: collector.path, timeout: 5) == .failed("the disk is full"))
    }

    @Test(arguments: ["", "ok signals=3", "what?\n", String(repeating: "x", count: 5000)])
    func `a reply that is cut off or makes no sense is an error`(answer: String) throws {
        let collector = try OneAnswer(answer)
        #expect(throws: ControlFailure.self) { try request.ask(at: collector.path, timeout: 5) }
    }

    @Test func `a collector that does not answer is given up`() throws {
        let collector = try OneAnswer(nil)
        #expect(throws: ControlFailure.self) { try request.ask(at: collector.path, timeout: 1) }
    }

    @Test func `nobody at the socket is told apart from an error`() throws {
        #expect(try request.ask(at: "/tmp/kernelsight-no-such.sock", timeout: 1) == nil)
        #expect(throws: ControlFailure.self) {
            try request.ask(at: "/tmp/" + String(repeating: "x", count: 200), timeout: 1)
        }
    }

    @Test(arguments: [
        ("data/kernelsight.db", "data/run/collector.sock"), ("k.db", "./run/collector.sock"),
        ("/var/lib/k.db", "/var/lib/run/collector.sock"),
    ])
    func `the socket is in the run directory beside the database`(database: String, socket: String) {
        #expect(Prune.socket(besides: database) == socket)
    }
}
