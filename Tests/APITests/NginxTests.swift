import Foundation
import Glibc
import Synchronization
import Testing

@testable import API
@testable import FastCGI

private let nginx = ["/usr/sbin/nginx", "/usr/bin/nginx"].first { (path: String) in access(path, X_OK) == 0 }

/// A real nginx with the shipped configuration, in front of workers in this process.
private final class Site {
    let host: Host
    let port: Int
    private(set) var workers: [Server] = []
    private let directory: URL
    private let process = Process()

    init() throws {
        host = try Host()
        directory = URL(filePath: NSTemporaryDirectory()).appending(path: "nginx-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        port = try Self.freePort()
        for name in ["1", "2"] { workers.append(try worker(name)) }
        let configuration = directory.appending(path: "nginx.conf")
        try Data().write(to: configuration)
        let render = Process()
        render.executableURL = URL(filePath: #filePath).appending(path: "../../../deploy/render-nginx").standardized
        render.arguments =
            ["\(port)", directory.path, directory.path] + ["1", "2"].map(socketPath)
        render.standardOutput = try FileHandle(forWritingTo: configuration)
        try render.run()
        render.waitUntilExit()
        try #require(render.terminationStatus == 0, "the configuration cannot be rendered")
        let path = try #require(nginx)
        let arguments = [
            "-p", directory.path, "-c", configuration.path, "-g", "daemon off;" + (geteuid() == 0 ? " user root;" : ""),
        ]
        let check = try Process.run(URL(filePath: path), arguments: ["-q", "-t"] + arguments)
        check.waitUntilExit()
        try #require(check.terminationStatus == 0, "nginx refuses its configuration")
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        try process.run()
        let deadline = ContinuousClock.now + .seconds(10)
        while try self.get("/api/health/live", failing: "").status != 200 {
            try #require(ContinuousClock.now < deadline, "nginx does not answer")
            sched_yield()
        }
    }

    deinit {
        if process.isRunning {
            process.terminate()
            process.waitUntilExit()
        }
        for worker in workers { worker.stop() }
        try? FileManager.default.removeItem(at: directory)
    }

    func socketPath(_ name: String) -> String { directory.appending(path: "\(name).sock").path }

    func worker(_ name: String) throws -> Server {
        let service = host.service
        let server = try Server(path: socketPath(name), mode: 0o666, threads: 16) {
            service.respond(to: $0, on: $1)
        }
        try server.start()
        return server
    }

    struct Page {
        var status = 0
        var head = ""
        var body = ""
        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
                .map { String($0.dropFirst(name.count + 2)) }
        }
    }

    /// One request on a connection of its own.
    func get(_ path: String, method: String = "GET", headers: String = "", failing: String? = nil) throws -> Page {
        guard let descriptor = try ask(path, method, headers) else {
            try #require(failing != nil)
            return Page()
        }
        return page(on: descriptor)
    }

    /// Sends a request; `nil` where nobody listens.
    func ask(_ path: String, _ method: String = "GET", _ headers: String = "") throws -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafeBytes(of: address) {
            connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
        guard connected == 0 else {
            close(descriptor)
            return nil
        }
        let request = Array("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)\r\n".utf8)
        try #require(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
        return descriptor
    }

    /// The reply to what was asked, up to the end of the connection.
    func page(on descriptor: Int32) -> Page {
        defer { close(descriptor) }
        var reply: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            reply += chunk[..<count]
        }
        let text = String(decoding: reply, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return Page() }
        let head = String(text[..<end.lowerBound])
        return Page(
            status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: head, body: String(text[end.upperBound...]))
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        // Below those that the kernel gives out by itself, to other tests among others.
        for _ in 1...100 {
            let port = in_port_t.random(in: 10_000...32_000)
            address.sin_port = port.bigEndian
            let bound = withUnsafeBytes(of: &address) {
                bind(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
            }
            if bound == 0 { return Int(port) }
        }
        throw POSIXError(.EADDRINUSE)
    }
}

/// A FastCGI worker that answers the first request on a connection, keeps it, and closes it without a word at the second.
private final class ClosingWorker: Sendable {
    private let listener: ListeningSocket
    private let closings = Atomic<Int>(0)

    /// How often it has closed one so.
    var closed: Int { closings.load(ordering: .relaxed) }

    init(path: String) throws {
        listener = try ListeningSocket(path: path, mode: 0o666, group: nil, backlog: 16)
        Thread.detachNewThread { [self] in
            while case let connection = listener.accept(), connection >= 0 {
                Thread.detachNewThread { [self] in serve(connection) }
            }
        }
    }

    func stop() { listener.stop() }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        guard readRequest(connection) else { return }
        let output = Array("Status: 200\r\nContent-Type: application/json\r\n\r\n{}".utf8)
        // Output, its end, and the request's, of request 1: the number that nginx gives all.
        let reply =
            [1, 6, 0, 1, 0, UInt8(output.count), 0, 0] + output + [1, 6, 0, 1, 0, 0, 0, 0]
            + [1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        guard send(connection, reply, reply.count, Int32(MSG_NOSIGNAL)) == reply.count else { return }
        if readRequest(connection) { closings.add(1, ordering: .relaxed) }
    }

    /// Reads up to the end of a request's input; false where the connection ended before.
    private func readRequest(_ connection: Int32) -> Bool {
        var request: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while request.suffix(8) != [1, 5, 0, 1, 0, 0, 0, 0] {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            request += chunk[..<count]
        }
        return true
    }
}

@Suite(.serialized, .enabled(if: nginx != nil, "nginx is not installed"))
struct NginxTests {
    @Test func `replies are kept for a second, by method, and health is not`() throws {
        let site = try Site()
        let head = try site.get("/api/stats", method: "HEAD")
        #expect(head.status == 200)
        #expect(head.body == "")
        let first = try site.get("/api/stats")
        #expect(first.body.hasPrefix("{\"total_signals\":0"))
        #expect(first.header("Content-Length") == head.header("Content-Length"))
        let second = try site.get("/api/stats")
        #expect(["HIT", "STALE", "UPDATING"].contains(second.header("X-Cache-Status")))
        let tag = try #require(second.header("ETag"))
        #expect(try site.get("/api/stats", headers: "If-None-Match: \(tag)\r\n").status == 304)
        #expect(try site.get("/api/health").header("X-Cache-Status") == nil)
        #expect(try site.get("/api/health").header("Cache-Control") == "no-store")
    }

    @Test func `problems of the workers pass, and nginx has its own in the same form`() throws {
        let site = try Site()
        let bad = try site.get("/api/signals?limit=0")
        #expect(bad.status == 422)
        #expect(bad.body.contains("\"parameter\":\"limit\""))
        #expect(bad.header("X-Content-Type-Options") == "nosniff")
        for (path, method, status) in [
            ("/none", "GET", 404), ("/", "POST", 405), ("/", "TRACE", 405), ("/api/stats", "POST", 405),
        ] {
            let page = try site.get(path, method: method)
            #expect(page.status == status)
            #expect(page.header("Content-Type") == "application/problem+json")
            #expect(page.body.contains("\"status\":\(status)"))
            // The worker's methods, and nginx's for files.
            let allowed = path.hasPrefix("/api/") ? "GET, HEAD, OPTIONS" : "GET, HEAD"
            #expect(page.header("Allow") == (status == 405 ? allowed : nil))
            #expect(page.header("X-Request-Id")?.count == 32)
        }
        #expect(try site.get("/problems/404.json").status == 404)
    }

    @Test func `what all replies look like is served beside them`() throws {
        let site = try Site()
        let document = try site.get("/api/openapi.json")
        #expect(document.status == 200)
        #expect(document.header("Content-Type")?.hasPrefix("application/json") == true)
        #expect(document.body.hasPrefix("{\n  \"openapi\": \"3.1.0\""))
        #expect(try site.get("/api/stats", method: "OPTIONS").header("Allow") == "GET, HEAD, OPTIONS")
    }

    @Test func `the page may load nothing from elsewhere and run nothing inline`() throws {
        let site = try Site()
        let page = try site.get("/")
        #expect(page.status == 200)
        #expect(page.header("Content-Type") == "text/html; charset=utf-8")
        let policy = try #require(page.header("Content-Security-Policy"))
        #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
        for address in ["/app.js", "/style.css"] { #expect(try site.get(address).status == 200) }
    }

    @Test func `a worker that goes is not missed, and without any the last reply is served`() throws {
        let site = try Site()
        #expect(try site.get("/api/stats").status == 200)
        site.workers[0].stop()
        for limit in 1...50 { #expect(try site.get("/api/signals?limit=\(limit)").status == 200) }
        for _ in 1...50 { #expect(try site.get("/api/health").status == 200) }
        site.workers[1].stop()
        let old = try site.get("/api/stats")
        #expect(old.status == 200)
        let none = try site.get("/api/health")
        #expect(none.status == 503)
        #expect(none.header("Retry-After") == "1")
        #expect(none.body.contains("No API worker answers"))
        // Not for ever: whoever looks must come to know.
        var (wasStale, status) = (false, 200)
        let deadline = ContinuousClock.now + .seconds(30)
        while status == 200, ContinuousClock.now < deadline {
            usleep(200_000)
            let page = try site.get("/api/stats")
            status = page.status
            if status == 200, page.header("X-Cache-Status") == "STALE" { wasStale = true }
        }
        #expect(wasStale && status == 503)
        let again = try site.worker("1")
        defer { again.stop() }
        #expect(try site.get("/api/health").status == 200)
        #expect(try site.get("/api/stats").status == 200)
    }

    @Test func `a worker that closes a kept connection as it is asked is asked again, also where the other is gone`()
        throws
    {
        let site = try Site()
        for worker in site.workers { worker.stop() }
        let closing = try ClosingWorker(path: site.socketPath("1"))
        defer { closing.stop() }
        for _ in 1...20 { #expect(try site.get("/api/health").status == 200) }
        // Each of nginx's processes has asked on a kept connection, but for its first time.
        #expect(closing.closed > 0)
    }

    @Test func `what costs a worker is limited for each client, and the rest is not`() throws {
        let site = try Site()
        // At once: on a busy host eighty in turn take as long as they are allowed to.
        let asked = try (1...80).map { _ in try #require(try site.ask("/api/predict", "POST")) }
        let answers = asked.map(site.page)
        // What a worker says to who sends nothing; or nginx, where the worker closed the connection at that moment.
        #expect(answers.count { [415, 503].contains($0.status) } >= 40)
        #expect(answers.contains { $0.status == 415 })
        let refused = try #require(answers.first { $0.status == 429 })
        #expect(refused.header("Content-Type") == "application/problem+json")
        #expect(refused.header("Retry-After") == "1")
        #expect(refused.body.contains("urn:kernelsight:problem:too-many-requests"))
        for _ in 1...80 { #expect(try site.get("/api/health").status == 200) }
    }

    @Test func `whoever sends credentials is answered by a worker`() throws {
        let site = try Site()
        #expect(try site.get("/api/stats").status == 200)
        let page = try site.get("/api/stats", headers: "Authorization: Basic eDp5\r\n")
        #expect(page.header("X-Cache-Status") == "BYPASS")
    }

    @Test func `the page's charts come from this server`() throws {
        let site = try Site()
        let script = try site.get("/vendor/dygraph.min.js")
        #expect(script.status == 200 && script.body.contains("Dygraph"))
        #expect(script.header("Content-Type") == "text/javascript; charset=utf-8")
        #expect(try site.get("/vendor/").status == 403)
        #expect(try site.get("/vendor/../../../../etc/passwd").status == 400)
    }
}
