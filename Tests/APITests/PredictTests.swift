import FastCGI
import Forecast
import Foundation
import Model
import Store
import Testing

@testable import API

/// `POST /api/predict` on series that the real writer wrote.
@Suite struct PredictTests {
    /// A host with half an hour of one metric, a value every ten seconds.
    private func host(_ metric: String, minutes: Int = 30, _ value: (Int) -> Double) throws -> Host {
        let host = try Host()
        let start = Host.now.advanced(bySeconds: Double(-60 * minutes))
        for second in stride(from: 0, to: 60 * minutes, by: 10) {
            try host.write(
                at: start.advanced(bySeconds: Double(second)), samples: [MetricSample(metric, value(second))])
        }
        return host
    }

    @Test func `memory that fills up is carried on to its thresholds`() throws {
        let host = try host("memory.used") { 0.4 + 0.01 * Double($0) / 60 }
        let answer = host.post("/api/predict", #"{"signal_type":"memory_pressure","duration_minutes":30}"#)
        #expect(answer.status == 200)
        #expect(answer["signal_type"] == "memory_pressure")
        #expect(answer["metric"] == "memory.used")
        #expect(answer.number("slope").map { abs($0 - 0.01) < 1e-4 } == true)
        #expect(answer.number("current_value").map { abs($0 - 0.698) < 0.003 } == true)
        #expect(answer.number("projected_value").map { abs($0 - 0.998) < 0.003 } == true)
        #expect(answer.number("reaches_critical_at").map { abs($0 - 28.2) < 0.5 } == true)
        #expect(answer["risk_level"] == "critical")
        #expect(answer["trend.confidence"] == "high")
        #expect(answer["timeline.0.time_minutes"] == 0)
        #expect(answer["thresholds.1.severity"] == "medium")
        #expect(answer.header("Cache-Control") == "no-store")
    }

    @Test func `what is usual is shown, and when it will be left behind`() throws {
        let host = try host("memory.used") { 0.4 + 0.01 * Double($0) / 60 }
        var baseline = Baseline()
        for second in 0..<1000 { baseline.learn(0.8, at: Host.now.advanced(bySeconds: Double(second - 1000))) }
        let data = String(decoding: try JSONEncoder().encode(baseline), as: UTF8.self)
        try host.write(baselines: ["memory.used": data])
        let answer = host.post("/api/predict", #"{"signal_type":"memory_pressure"}"#)
        #expect(answer.number("baseline_p95").map { abs($0 / 0.8 - 1) < 0.02 } == true)
        #expect(answer.number("exceeds_baseline_at").map { (8...12).contains($0) } == true)
    }

    @Test func `the duration is half an hour when nothing is said, and a slope of one's own counts`() throws {
        let host = try host("memory.used") { _ in 0.5 }
        let answer = host.post("/api/predict", #"{"signal_type":"memory_pressure","custom_slope":0.01}"#)
        #expect(answer["duration_minutes"] == 30)
        #expect(answer.number("projected_value").map { abs($0 - 0.8) < 0.001 } == true)
    }

    @Test func `what the data cannot carry is refused with the reason`() throws {
        let calm = try host("memory.used", minutes: 5) { _ in 0.5 }
        let short = calm.post("/api/predict", #"{"signal_type":"memory_pressure","duration_minutes":60}"#)
        #expect(short.status == 422)
        #expect(short["type"] == "urn:kernelsight:problem:no-forecast")
        #expect(short.text("detail").contains("minutes of measurements"))
        let wild = try host("pressure.cpu.some") { $0 / 10 % 2 == 0 ? 0 : 1 }
        let scattered = wild.post("/api/predict", #"{"signal_type":"load_mismatch"}"#)
        #expect(scattered.status == 422)
        #expect(scattered.text("detail").contains("scatter too much"))
        let never = calm.post("/api/predict", #"{"signal_type":"tcp_exhaustion"}"#)
        #expect(never.status == 422)
        #expect(never.text("detail").contains("has not been recorded"))
        let single = calm.post("/api/predict", #"{"signal_type":"scheduler"}"#)
        #expect(single.text("detail").contains("single processes"))
    }

    @Test func `retransmits are held against what is sent, and the busiest device stands for all`() throws {
        let host = try Host()
        let start = Host.now.advanced(bySeconds: -1800)
        for second in stride(from: 0, to: 1800, by: 10) {
            try host.write(
                at: start.advanced(bySeconds: Double(second)),
                samples: [
                    MetricSample("tcp.retransmits", 20), MetricSample("tcp.out_segments", 1000),
                    MetricSample("disk.busy:sda", 0.2), MetricSample("disk.busy:sdb", 0.6),
                ])
        }
        let network = host.post("/api/predict", #"{"signal_type":"network_degradation"}"#)
        #expect(network.number("current_value").map { abs($0 - 0.02) < 1e-4 } == true)
        #expect(network["risk_level"] == "medium")
        let device = host.post("/api/predict", #"{"signal_type":"block_device_saturation"}"#)
        #expect(device["metric"] == "disk.busy:sdb")
    }

    @Test func `everything that is wrong with a body is said at once`() throws {
        let answer = try Host().post(
            "/api/predict", #"{"signal_type":"cpu","duration_minutes":-5,"custom_slope":"up","colour":1}"#)
        #expect(answer.status == 422)
        #expect(answer.faults == ["signal_type", "duration_minutes", "custom_slope", "colour"])
    }

    @Test(arguments: [
        ("", 400), ("[]", 400), ("{", 400), (#"{"signal_type":"#, 400), ("{}", 422), (#"{"signal_type":true}"#, 422),
        (#"{"signal_type":"syscall","duration_minutes":1e999}"#, 422), (#"{"signal_type":null}"#, 422),
        (#"{"signal_type":"syscall","duration_minutes":[1]}"#, 422), ("\u{0}", 400),
    ])
    func `a body that is none is refused`(_ body: String, _ status: Int) throws {
        #expect(try Host().post("/api/predict", body).status == status)
    }

    @Test func `only POST with JSON is served, and no query`() throws {
        let host = try Host()
        let got = host.get("/api/predict")
        #expect(got.status == 405)
        #expect(got.header("Allow") == "POST, OPTIONS")
        #expect(host.post("/api/predict", "{}", type: "text/plain").status == 415)
        #expect(host.post("/api/predict", "{}", type: "").status == 415)
        #expect(host.post("/api/predict", "{}", query: "limit=5").status == 422)
        #expect(host.post("/api/health", "{}").header("Allow") == "GET, HEAD, OPTIONS")
        let typed = host.post("/api/predict", "{}", type: "application/json; charset=utf-8")
        #expect(typed.status == 422)
    }
}
