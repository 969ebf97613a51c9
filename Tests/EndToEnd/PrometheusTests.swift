import ChildProcess
import Foundation
import Testing

/// A real Prometheus before the real product, and its own checker over what it is given.
@Suite(.serialized) struct PrometheusTests {
    private let scratch = ScratchDirectory()
    private static let rules = Stack.sources.appending(path: "deploy/prometheus")

    @Test func `promtool finds nothing to say about the metrics`() throws {
        let stack = try Stack.running()
        try stack.startAgent()
        let url = "http://127.0.0.1:\(stack.port)/metrics"
        for part in ["cpu_busy_ratio", "run_queue_latency_seconds_bucket", "worker_requests_total", "agent_up 1"] {
            try require(within: 20, "\(part) is there") {
                try stack.get("/metrics").text.contains("kernelsight_\(part)")
            }
        }
        let check = try execute("sh", ["-c", "curl -sf \(url) | promtool check metrics"])
        #expect(check.status == 0 && check.output.isEmpty, "\(check.output)")
    }

    @Test func `a Prometheus scrapes it, and rules and dashboard ask for what there is`() throws {
        // A debug build must not run out of its budget: what a tracer that is off would count is not there.
        let stack = try Stack.running(config: "overhead: {budget_percent: 100}\n", workers: 1)
        let port = try freePort()
        let file = scratch.url.appending(path: "prometheus.yml").path
        var configuration = try String(
            contentsOf: Self.rules.appending(path: "prometheus.yml"), encoding: .utf8)
        configuration.replace("scrape_interval: 15s", with: "scrape_interval: 1s\n    scrape_timeout: 1s")
        configuration.replace("127.0.0.1:8080", with: "127.0.0.1:\(stack.port)")
        configuration.replace("- kernelsight.rules.yml", with: "- \(Self.rules.path)/kernelsight.rules.yml")
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        let prometheus = try start(
            "prometheus",
            [
                "--config.file=\(file)", "--storage.tsdb.path=\(scratch.url.path)/data",
                "--web.listen-address=127.0.0.1:\(port)",
            ], directory: scratch.url)
        defer { prometheus.stop() }
        /// How many samples an expression has.
        func samples(_ expression: String) throws -> Int {
            let allowed = CharacterSet.alphanumerics
            let query = try #require(expression.addingPercentEncoding(withAllowedCharacters: allowed))
            let reply = try request("/api/v1/query?query=\(query)", port: port)
            guard reply.status == 200 else { throw HTTPFailure("\(expression): \(reply.text)") }
            let data = try reply.json["data"] as? [String: Any]
            return (data?["result"] as? [Any])?.count ?? 0
        }
        try require(within: 30, "it has been scraped twice") {
            try samples("kernelsight_up == 1") == 1 && samples("count_over_time(kernelsight_up[1m]) > 1") == 1
        }
        try require(within: 20, "its last scrape was in time") { try samples("up{job=\"kernelsight\"} == 1") == 1 }
        #expect(try request("/api/v1/rules", port: port).text.contains("\"KernelSightDown\""))
        let dashboard = try JSONSerialization.jsonObject(
            with: Data(contentsOf: Stack.sources.appending(path: "deploy/grafana/kernelsight.json")))
        let panels = (dashboard as? [String: Any])?["panels"] as? [[String: Any]] ?? []
        let expressions = panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] }.compactMap {
            $0["expr"] as? String
        }
        #expect(expressions.count > 20)
        // What only some hosts have at every moment.
        let sometimes = ["> 0", "agent_decisions"]
        for expression in expressions {
            let filled = expression.replacing("$__rate_interval", with: "1m").replacing("$instance", with: ".*")
            if sometimes.contains(where: { expression.contains($0) }) {
                _ = try samples(filled)
            } else {
                try require(within: 20, "\(expression) has data") { try samples(filled) > 0 }
            }
        }
        withExtendedLifetime(stack) {}
    }

    @Test func `the alert rules do what they say`() throws {
        for arguments in [
            ["check", "rules", "kernelsight.rules.yml"], ["test", "rules", "kernelsight.rules.test.yml"],
        ] {
            let result = try execute(
                "sh", ["-c", "cd \(Self.rules.path) && promtool \(arguments.joined(separator: " "))"])
            #expect(result.status == 0 && result.output.contains("SUCCESS"), "\(result.output)")
        }
    }
}
