import ChildProcess
import Foundation
import Glibc
import Model

/// Requests per second that an API worker answers behind nginx with the cache off, beside a C worker on the same
/// libfcgi that returns the same bytes from memory; and the worker's memory after many requests.
public enum OriginRate {
    /// - Parameter database: filled before, see `DemoData`; it is read only.
    public static func run(
        database: String, rounds: Int, seconds: Int, port: Int = 18_090, progress: (String) -> Void
    ) throws -> [Figure] {
        let scratch = try Scratch()
        let worker = try ChildProcess.apiWorker(
            socket: scratch.path("ours.sock"), database: database, afresh: true, in: scratch)
        defer { worker.stop() }
        let nginx = try startNginx(port: port, worker: worker, scratch: scratch)
        defer { nginx.stop() }

        var results: [Figure] = []
        for (name, path, bar) in [
            ("health", "/api/health", 0.8), ("stats", "/api/stats", 0.8),
            ("signals of 20", "/api/signals?limit=20&lookback_minutes=1440", 0.6),
            ("agent/status", "/api/agent/status", 0.8), ("diagnostics", "/api/diagnostics", 0.5),
        ] {
            let url = "http://127.0.0.1:\(port)/ours\(path)"
            try saveReply(of: url, as: scratch.file("reply"), scratch: scratch)
            let reference = try ChildProcess(
                "bench-fcgi-worker", [scratch.file("c.sock").path, "64", scratch.file("reply").path], in: scratch)
            defer { reference.stop() }
            try reference.expectReply(
                from: "http://127.0.0.1:\(port)/c\(path)", nginxLog: "error.log", in: scratch)
            var ours: [Double] = []
            var theirs: [Double] = []
            for round in 1...max(rounds, 1) {
                progress("\(name), round \(round) of \(rounds)")
                ours.append(try requestsPerSecond(url, seconds: seconds, scratch: scratch))
                theirs.append(
                    try requestsPerSecond("http://127.0.0.1:\(port)/c\(path)", seconds: seconds, scratch: scratch))
            }
            let ratios = zip(ours, theirs).map { $0 / $1 }
            results.append(
                Figure(
                    "origin, \(name) ÷ C worker", Samples(ratios).median, "", bar: .atLeast(bar), rounds: ratios,
                    detail: "\(short(Samples(ours).median)) requests/s against \(short(Samples(theirs).median)), "
                        + "10 connections, \(rounds) rounds"))
        }
        progress("nginx alone")
        results.append(
            Figure(
                "nginx, return 200",
                try requestsPerSecond("http://127.0.0.1:\(port)/nothing", seconds: seconds, scratch: scratch),
                "requests/s", detail: "what nginx and wrk reach with no worker behind, 10 connections"))
        results += try memory(of: worker, port: port, scratch: scratch, progress: progress)
        return results
    }

    /// Resident memory of a worker after 100 000 requests, and what another 100 000 add.
    private static func memory(
        of worker: ChildProcess, port: Int, scratch: Scratch, progress: (String) -> Void
    ) throws -> [Figure] {
        func load(_ requests: Int) throws {
            progress("\(requests) requests for the worker's memory")
            var left = requests
            while left > 0 {
                let rate = try requestsPerSecond(
                    "http://127.0.0.1:\(port)/ours/api/signals?limit=20", seconds: 2, scratch: scratch)
                left -= Int(rate * 2)
            }
        }
        try load(100_000)
        let first = try ProcessFigures.residentMegabytes(of: worker.pid)
        try load(100_000)
        let second = try ProcessFigures.residentMegabytes(of: worker.pid)
        return [
            Figure(
                "worker: resident memory after 100 000 requests", first, "MiB", bar: .atMost(12),
                detail: "\(short(second)) MiB after 200 000"),
            Figure(
                "worker: growth over the next 100 000 requests", second - first, "MiB", bar: .atMost(0.5),
                detail: "growing means leaking"),
        ]
    }

    private static func startNginx(port: Int, worker: ChildProcess, scratch: Scratch) throws -> ChildProcess {
        let directory = scratch.url.path
        let fastcgi = ["QUERY_STRING", "REQUEST_METHOD", "CONTENT_TYPE", "CONTENT_LENGTH", "SERVER_PROTOCOL"]
            .map { "fastcgi_param \($0) $\($0.lowercased());" }.joined(separator: " ")
        func location(_ name: String) -> String {
            """
            location /\(name)/ {
                \(fastcgi) fastcgi_param SCRIPT_NAME $bench_path; fastcgi_param REQUEST_URI $bench_path$is_args$args;
                fastcgi_keep_conn on; fastcgi_pass \(name);
            }
            """
        }
        let configuration = """
            pid \(directory)/nginx.pid; daemon off; worker_processes 2; error_log \(directory)/error.log;
            events { worker_connections 256; }
            http {
                access_log off; keepalive_requests 1000000;
                client_body_temp_path \(directory)/body; fastcgi_temp_path \(directory)/fastcgi;
                proxy_temp_path \(directory)/proxy; uwsgi_temp_path \(directory)/uwsgi; scgi_temp_path \(directory)/scgi;
                map $uri $bench_path { ~^/[a-z]+(?<rest>/.*)$ $rest; }
                upstream ours { server unix:\(directory)/ours.sock; keepalive 16; }
                upstream c { server unix:\(directory)/c.sock; keepalive 16; }
                server { listen 127.0.0.1:\(port); \(location("ours")) \(location("c")) location = /nothing { return 200; } }
            }
            """
        let file = scratch.file("nginx.conf")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        chmod(directory, 0o777)
        try UserStack.needFree(port: port)
        let nginx = try ChildProcess("nginx", ["-p", directory, "-c", file.path], in: scratch)
        try worker.expectReply(
            from: "http://127.0.0.1:\(port)/ours/api/health", nginxLog: "error.log", in: scratch)
        return nginx
    }

    /// The reply as a FastCGI worker sends it: nginx's own headers taken out.
    private static func saveReply(of url: String, as file: URL, scratch: Scratch) throws {
        let text = try ChildProcess.run("curl", ["-si", url], in: scratch)
        guard let end = text.range(of: "\r\n\r\n") else { throw BenchmarkFailure("no reply from \(url)") }
        let own = ["server:", "date:", "connection:", "http/"]
        let headers = text[..<end.lowerBound].components(separatedBy: "\r\n").filter { line in
            !own.contains { line.lowercased().hasPrefix($0) }
        }
        let reply = headers.joined(separator: "\r\n") + "\r\n\r\n" + text[end.upperBound...]
        try reply.write(to: file, atomically: true, encoding: .utf8)
    }

    private static func requestsPerSecond(_ url: String, seconds: Int, scratch: Scratch) throws -> Double {
        try WebLoad(url, connections: 10, seconds: seconds, in: scratch).perSecond
    }
}
