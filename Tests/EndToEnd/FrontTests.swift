import ChildProcess
import Foundation
import Testing

/// The examples in `nginx/examples`, run as they stand but for names and places.
@Suite(.serialized) struct FrontTests {
    private let scratch = ScratchDirectory()
    private static let examples = Stack.sources.appending(path: "nginx/examples")

    private func example(_ name: String, _ places: [String: String]) throws -> String {
        var text = try String(contentsOf: Self.examples.appending(path: name), encoding: .utf8)
        for (place, value) in places {
            try #require(text.contains(place), "\(name) has no \(place)")
            text = text.replacingOccurrences(of: place, with: value)
        }
        return text
    }

    @Test func `a front nginx routes to each host by its path and to none that it does not know`() throws {
        let first = try Stack.running(workers: 1)
        let second = try Stack.running(workers: 1)
        let port = try freePort()
        let configuration = try example(
            "front.conf",
            [
                "10.0.0.11:8080": "127.0.0.1:\(first.port)", "10.0.0.12:8080": "127.0.0.1:\(second.port)",
                "listen 80;": "listen 127.0.0.1:\(port);", "/var/cache/nginx/kernelsight": "\(scratch.url.path)/cache",
            ])
        let file = scratch.url.appending(path: "front.conf").path
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let front = try start(
            "/usr/sbin/nginx",
            [
                "-p", scratch.url.path, "-c", file, "-g",
                "daemon off; pid \(scratch.url.path)/pid; error_log \(scratch.url.path)/error.log;",
            ], directory: scratch.url)
        defer { front.stop() }
        try require(within: 10, "the first host's page is there") {
            try request("/hosts/web-1/", port: port).text.contains("<title>KernelSight</title>")
        }
        #expect(try request("/hosts/web-2/api/health/ready", port: port).status == 200)
        #expect(try request("/hosts/web-3/api/health", port: port).status == 404)
        #expect(try request("/api/health", port: port).status == 404)
        // Each has its own data: what one has lost is not answered by the other.
        second.workers[1]?.stop()
        try require(within: 20, "the second host's worker is missed") {
            try request("/hosts/web-2/api/health", port: port).status == 503
        }
        #expect(try request("/hosts/web-1/api/health", port: port).status == 200)
        #expect(try request("/hosts/web-1/api/signals?entity=a%20b", port: port).status == 200)
        withExtendedLifetime((first, second)) {}
    }

    @Test func `with TLS and a password the page is for those who know it, and the probes for all`() throws {
        let stack = try Stack.running(workers: 1)
        let place = scratch.url.path
        let made = try execute(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(place)/key.pem", "-out",
                "\(place)/cert.pem", "-days", "2", "-subj", "/CN=localhost",
            ])
        try #require(made.status == 0, "\(made.output)")
        let hash = try execute("openssl", ["passwd", "-6", "secret"])
        try "sre:\(hash.output)".write(toFile: "\(place)/passwords", atomically: true, encoding: .utf8)
        let port = try freePort()
        let tls = try example(
            "tls.conf",
            [
                "listen 8443 ": "listen 127.0.0.1:\(port) ", "/etc/kernelsight/tls/fullchain.pem": "\(place)/cert.pem",
                "/etc/kernelsight/tls/key.pem": "\(place)/key.pem",
            ])
        let auth = try example("auth.conf", ["/etc/kernelsight/passwords": "\(place)/passwords"])
        try stack.restartNginx {
            $0.replacingOccurrences(of: "listen 127.0.0.1:\(stack.port) backlog=511;", with: tls + auth)
        }
        func status(_ path: String, _ options: String...) throws -> String {
            try execute(
                "curl",
                ["-sk", "-o", "/dev/null", "-w", "%{http_code}"] + options + ["https://127.0.0.1:\(port)\(path)"]
            )
            .output
        }
        try require(within: 10, "a probe is answered") { try status("/api/health/live") == "200" }
        #expect(try status("/") == "401")
        #expect(try status("/api/health") == "401")
        #expect(try status("/", "-u", "sre:secret") == "200")
        #expect(try status("/api/stats", "-u", "sre:wrong") == "401")
        #expect(try status("/api/stats", "-u", "sre:secret") == "200")
        let problem = try execute("curl", ["-sk", "https://127.0.0.1:\(port)/api/stats"]).output
        #expect(problem.contains("urn:kernelsight:problem:unauthorized"))
    }
}
