import Testing

@testable import Model

@Suite struct ControlProtocolTests {
    @Test(arguments: [
        ControlRequest.prune(before: Timestamp(nanoseconds: 0)), .prune(before: Timestamp(nanoseconds: .max)),
    ])
    func `a request is read as it was written`(request: ControlRequest) {
        #expect(ControlRequest(line: request.line) == request)
        #expect(request.line.utf8.count < ControlRequest.maximumBytes)
    }

    @Test(arguments: [
        "", "prune", "prune ", "prune -1", "prune 1 2", "prune  1", "prune 9223372036854775808", "PRUNE 1", "stop 1",
    ])
    func `a line that is no request is none`(line: String) { #expect(ControlRequest(line: line) == nil) }

    @Test(arguments: [ControlReply.pruned(signals: 12), .failed("the disk is full")])
    func `a reply is read as it was written`(reply: ControlReply) { #expect(ControlReply(line: reply.line) == reply) }

    @Test func `a reason is one short line`() {
        let line = ControlReply.failed(String(repeating: "no\r\n", count: 1000)).line
        #expect(line.utf8.count < ControlRequest.maximumBytes && !line.contains { $0.isNewline })
    }

    @Test(arguments: [
        "", "ok", "ok signals=", "ok signals=-1", "ok signals=x", "ok signals=1 ", "error",
    ])
    func `a line that is no reply is none`(line: String) { #expect(ControlReply(line: line) == nil) }
}
