import Testing

@testable import FastCGI

struct Malformed: CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]

    private static func values(_ names: [[UInt8]], id: UInt16 = 0) -> [UInt8] {
        Client.record(.getValues, id: id, names.flatMap { Client.pair($0, []) })
    }
    private static let maximum = Array("FCGI_MAX_CONNS".utf8)
    private static let begin = Client.begin(keep: true)

    static let all: [Malformed] = [
        .init(testDescription: "nothing", bytes: []),
        .init(testDescription: "half a header", bytes: Array(begin.prefix(5))),
        .init(testDescription: "half a record", bytes: Array(begin.prefix(12))),
        .init(
            testDescription: "half of the parameters",
            bytes: begin + Client.record(.parameters, Client.pair(Array("REQUEST_METHOD".utf8), Array("GET".utf8)))),
        .init(
            testDescription: "half of a body",
            bytes: begin + Client.record(.parameters) + Client.record(.input, [1, 2, 3])),
        .init(testDescription: "version 2", bytes: Client.record(.begin, version: 2, [0, 1, 0, 0, 0, 0, 0, 0])),
        .init(testDescription: "request id 0", bytes: Client.record(.begin, id: 0, [0, 1, 0, 0, 0, 0, 0, 0])),
        .init(testDescription: "begin of 7 bytes", bytes: Client.record(.begin, [0, 1, 0, 0, 0, 0, 0])),
        .init(testDescription: "a role that is none", bytes: Client.record(.begin, [9, 9, 0, 0, 0, 0, 0, 0])),
        .init(testDescription: "parameters first", bytes: Client.record(.parameters, [1, 1, 65, 66])),
        .init(testDescription: "abort at once", bytes: begin + Client.record(.abort)),
        .init(
            testDescription: "abort inside parameters",
            bytes: begin + Client.record(.parameters, [3]) + Client.record(.abort)),
        .init(testDescription: "input inside parameters", bytes: begin + Client.record(.input, [1, 2, 3])),
        .init(
            testDescription: "a second begin",
            bytes: begin + begin + Client.record(.begin, id: 2, [0, 1, 0, 0, 0, 0, 0, 0])),
        .init(testDescription: "a name with NUL asked for", bytes: values([[0, 65]])),
        .init(testDescription: "one value asked for 200 times", bytes: values(Array(repeating: maximum, count: 200))),
        .init(
            testDescription: "a value asked for between parameters",
            bytes: begin + Client.record(.parameters, [1]) + values([[0]])),
        .init(testDescription: "an unknown management record", bytes: [1, 200, 0, 0, 0, 0, 0, 0]),
        .init(
            testDescription: "a parameter of 2 GB",
            bytes: begin + Client.record(.parameters, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 65])),
        .init(
            testDescription: "lengths that wrap around",
            bytes: begin + Client.record(.parameters, [0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 3, 65])),
        .init(
            testDescription: "a name that ends with the parameters",
            bytes: begin + Client.record(.parameters, [5, 5, 65, 66]) + Client.record(.parameters)),
        .init(
            testDescription: "parameters without end",
            bytes: begin + (0..<20).flatMap { _ in Client.record(.parameters, Array(repeating: 1, count: 60_000)) }),
        .init(
            testDescription: "an input record of another type after the parameters",
            bytes: begin + Client.record(.parameters) + Client.record(.data, [1])),
    ]
}

@Test(arguments: Malformed.all)
func `what is not a request ends its connection and nothing else`(_ malformed: Malformed) throws {
    let running = try Running(threads: 1)
    do {
        let client = try running.connect()
        client.send(malformed.bytes)
        shutdownSending(client)
        #expect(!client.reply().ended)
    }
    #expect(try running.ask(Client.request()).ended)
}

@Test func `a thousand requests with random bytes flipped leave the server alive`() throws {
    let running = try Running(threads: 4)
    let good = Client.request(
        path: "/api/signals", query: "limit=20", others: [("HTTP_A", String(repeating: "a", count: 200))])
    var random = SystemRandomNumberGenerator()
    for _ in 0..<1_000 {
        var bytes = good
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        guard let client = Client(running.path) else { continue }
        client.send(bytes)
        shutdownSending(client)
    }
    #expect(try running.ask(good).ended)
}
