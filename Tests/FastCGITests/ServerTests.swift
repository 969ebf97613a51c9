import Glibc
import Synchronization
import Testing

@testable import FastCGI

/// A started server on a socket of its own, stopped at the end of the test.
final class Running {
    let path: String
    let server: Server

    init(threads: Int = 4, limits: Server.Limits = .init(), handler: @escaping Server.Handler = Running.echo) throws {
        path = "/tmp/fastcgi-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        server = try Server(path: path, threads: threads, limits: limits, handler: handler)
        try server.start()
    }

    deinit { server.stop() }

    func connect() throws -> Client { try #require(Client(path)) }

    /// One request on a connection of its own.
    func ask(_ bytes: [UInt8]) throws -> Client.Reply {
        let client = try connect()
        client.send(bytes)
        return client.reply()
    }

    static let echo: Server.Handler = { request, _ in
        let text = "\(request.method) \(request.path) \(request.query) \(request.body.count) \(request.bodyIsTooLarge)"
        return Response(headers: [("Content-Type", "text/plain")], body: Array(text.utf8))
    }
}

@Test func `a request is answered with its status, its headers and the exact length`() throws {
    let reply = try Running().ask(Client.request(path: "/api/health", query: "a=1&b"))
    #expect(reply.ended)
    #expect(reply.head == "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 29")
    #expect(reply.body == "GET /api/health a=1&b 0 false")
}

@Test func `HEAD gets the length of the body and not the body`() throws {
    let running = try Running { _, _ in Response(body: Array("twelve bytes".utf8)) }
    let reply = try running.ask(Client.request(method: "HEAD"))
    #expect(reply.head == "Status: 200 OK\r\nContent-Length: 12")
    #expect(reply.body == "")
}

@Test func `not modified has neither a body nor a length`() throws {
    let running = try Running { _, _ in Response(status: 304, headers: [("ETag", "\"1\"")], body: [1, 2, 3]) }
    let reply = try running.ask(Client.request())
    #expect(reply.head == "Status: 304 Not Modified\r\nETag: \"1\"")
    #expect(reply.body == "")
}

@Test func `a header value cannot start another header`() throws {
    let running = try Running { _, _ in Response(headers: [("X-Name", "a\r\nSet-Cookie: b"), ("Content-Length", "99")])
    }
    let reply = try running.ask(Client.request())
    #expect(reply.head == "Status: 200 OK\r\nX-Name: a  Set-Cookie: b\r\nContent-Length: 0")
}

@Test func `a kept connection serves one request after the other, whatever bodies come along`() throws {
    let running = try Running(threads: 2)
    let client = try running.connect()
    for size in [0, 3, 5_000, 40_000, 0] {
        client.send(Client.request(method: "POST", body: Array(repeating: 7, count: size), keep: true))
        #expect(client.reply().body == "POST /  \(size) false")
    }
    #expect(running.server.statistics.connections == 1)
    #expect(running.server.statistics.requests == 5)
}

@Test(arguments: [1, 7, 100, 8_192, 65_535])
func `parameters arrive whole however they are cut into records`(recordSize: Int) throws {
    let running = try Running { request, _ in Response(body: Array((request.parameter("HTTP_COOKIE") ?? "none").utf8)) }
    let long = String(repeating: "abc", count: 7_000)
    let reply = try running.ask(Client.request(others: [("HTTP_COOKIE", long)], recordSize: recordSize))
    #expect(reply.body == long)
}

@Test func `a reply of many megabytes arrives whole`() throws {
    let running = try Running { _, _ in Response(body: Array(repeating: UInt8(ascii: "x"), count: 5_000_000)) }
    #expect(try running.ask(Client.request()).body.utf8.count == 5_000_000)
}

@Test func `a body over the limit is reported and its connection closed after the reply`() throws {
    let running = try Running(limits: .init(bodyBytes: 100))
    let client = try running.connect()
    client.send(Client.request(method: "POST", body: Array(repeating: 1, count: 101), keep: true))
    #expect(client.reply().body == "POST /  0 true")
    #expect(client.isClosed)
}

@Test func `parameters over the limit end the connection`() throws {
    let running = try Running(limits: .init(parameterBytes: 1_000))
    #expect(try !running.ask(Client.request(query: String(repeating: "q", count: 2_000))).ended)
    #expect(try running.ask(Client.request()).ended)
}

@Test func `a handler sees bytes that are not UTF-8 repaired, and the server lives`() throws {
    let running = try Running { request, _ in Response(body: Array(request.query.utf8)) }
    let parameters = Client.record(.parameters, Client.pair(Array("QUERY_STRING".utf8), [0x61, 0xFF]))
    let reply = try running.ask(
        Client.begin(keep: false) + parameters + Client.record(.parameters) + Client.record(.input))
    #expect(reply.body == "a\u{FFFD}")
}

@Test func `kept connections never starve new ones`() throws {
    let running = try Running(threads: 4)
    let clients = try (0..<20).map { _ in
        let client = try running.connect()
        client.send(Client.request(keep: true))
        #expect(client.reply().ended)
        return client
    }
    // The first ones were kept, for one thread always had to stay free.
    for client in clients.prefix(3) {
        client.send(Client.request(keep: true))
        #expect(client.reply().ended)
    }
    #expect(clients.dropFirst(3).allSatisfy { $0.isClosed })
}

@Test func `more connections than threads are served in turn`() throws {
    let running = try Running(threads: 3)
    let clients = try (0..<200).map { _ in try running.connect() }
    for client in clients { client.send(Client.request()) }
    for client in clients { #expect(client.reply().ended) }
    #expect(running.server.statistics.requests == 200)
    #expect(running.server.statistics.busy == 0)
}

@Test func `a silent connection gives its thread back`() throws {
    let running = try Running(threads: 1, limits: .init(silenceSeconds: 1))
    let silent = try running.connect()
    silent.send(Array(Client.request().prefix(20)))
    #expect(try running.ask(Client.request()).ended)
    #expect(silent.isClosed)
}
