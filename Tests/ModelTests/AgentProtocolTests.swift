import Testing

@testable import Model

@Suite struct AgentProtocolTests {
    @Test(arguments: [
        AgentMessage(.approve(12)), AgentMessage(.reject(1), token: "a-token-of-16-b."), AgentMessage(.undo),
        AgentMessage(.undo, token: "x"), AgentMessage(.order(AgentOrder(.flushBuffers, signal: 88))),
        AgentMessage(.order(AgentOrder(.lowerIOPriority, signal: 88, pid: 25_101, value: "best-effort 5"))),
        AgentMessage(.order(AgentOrder(.throttleCPU, signal: 88, value: "20")), token: "x"),
    ])
    func `a message is read as it was written`(message: AgentMessage?) throws {
        let message = try #require(message)
        #expect(AgentMessage(line: message.line) == message)
        #expect(message.line.utf8.count < ControlRequest.maximumBytes)
    }

    @Test(arguments: [
        "", "approve", "approve x", "approve 0", "approve -1", "undo 1", "undo token", "approve 1 2", "stop", "do",
        "do 1", "do pause_process", "do 1 pause", "do 0 pause_process", "do 1 pause_process pid",
        "do 1 pause_process pid 0", "do 1 pause_process 30", "do 1 throttle_cpu value", "do 1 throttle_cpu 20",
    ])
    func `a line that is no message is none`(line: String) { #expect(AgentMessage(line: line) == nil) }

    @Test(arguments: ["", "two words", "line\n", String(repeating: "x", count: 300), "ü"])
    func `a token that cannot stand in a line makes no message`(token: String) {
        #expect(AgentMessage(.approve(1), token: token) == nil)
    }

    @Test(arguments: [AgentReply.done("1 taken back"), .failed("no decision 7"), .denied("no token")])
    func `a reply is read as it was written`(reply: AgentReply) { #expect(AgentReply(line: reply.line) == reply) }

    @Test func `a reply is one short line whatever it says`() {
        let line = AgentReply.failed(String(repeating: "no\r\n", count: 1000)).line
        #expect(line.utf8.count < ControlRequest.maximumBytes && !line.contains { $0.isNewline })
        #expect(line.hasSuffix("…"))
        #expect(AgentReply(line: "ok") == nil && AgentReply(line: "fine yes") == nil)
    }
}
