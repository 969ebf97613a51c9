import Foundation
import Glibc
import Testing

/// The limit holds for events, never for counts. Needs root and BPF.
@Suite(.serialized) struct SamplingTests {
    @Test func `events keep to the configured rate, counts are complete, and SIGHUP changes the rate`() throws {
        // Every call is slow by this threshold, so that a flood is easy to make.
        func configuration(_ rate: Int) -> String {
            "tracers: { sampling: { syscall_tracer: \(rate) }, event_threshold_ms: { syscall_tracer: 0.1 } }\n"
        }
        let stack = try Stack(config: configuration(50))
        try stack.startCollector()
        let flood = try start(
            "/usr/bin/stress-ng",
            [
                "--hdd", "2", "--hdd-opts", "dsync", "--hdd-bytes", "16m", "--temp-path",
                stack.directory.path, "--timeout", "120",
            ], directory: stack.directory.appending(path: "log"))
        defer { flood.stop(group: true) }

        func ledger() throws -> [String: Int] {
            let text = try stack.sql(
                "SELECT detail FROM components WHERE component = 'syscall_tracer'")
            let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            return (json?["ledger"] as? [String: Any] ?? [:]).compactMapValues { $0 as? Int }
        }
        /// Stored events per second over some seconds under load.
        func rate(over seconds: Double) throws -> (stored: Double, candidates: Double) {
            let before = try ledger()
            let start = ContinuousClock.now
            try require(within: seconds + 5, "time passes") { ContinuousClock.now - start > .seconds(seconds) }
            let after = try ledger()
            func delta(_ name: String) -> Double { Double((after[name] ?? 0) - (before[name] ?? 0)) / seconds }
            return (delta("stored"), delta("candidates"))
        }
        try require(within: 20, "the flood is on") { try ledger()["sampled_out"] ?? 0 > 500 }
        let limited = try rate(over: 6)
        #expect((35...65).contains(limited.stored), "\(limited)")
        #expect(limited.candidates > 200, "every slow call is counted, stored or not: \(limited)")

        let started = stack.collector?.pid
        try stack.write(config: configuration(150))
        stack.collector?.signal(SIGHUP)
        try require(within: 15, "the new rate") {
            let now = try rate(over: 3)
            return (110...190).contains(now.stored)
        }
        #expect(stack.collector?.pid == started && stack.collector?.isRunning == true)
    }
}
