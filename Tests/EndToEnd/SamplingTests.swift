import Foundation
import Glibc
import Testing

/// The limit holds for events, never for counts. Needs root and BPF.
@Suite(.serialized) struct SamplingTests {
    @Test func `events keep to the configured rate, counts are complete, and SIGHUP changes the rate`() throws {
        // Every call is slow by this threshold, so that a flood is easy to make.
        func configuration(_ rate: Int) -> String {
            """
            tracers: { sampling: { syscall_tracer: \(rate) }, event_threshold_ms: { syscall_tracer: 0.1 } }
            overhead: { budget_percent: 100 }

            """
        }
        let stack = try Stack(config: configuration(50))
        try stack.startCollector()
        // Reads that take longer because of what they copy, whatever the disk is like.
        let flood = try start(
            "/bin/dd", ["if=/dev/zero", "of=/dev/null", "bs=4M"], directory: stack.directory.appending(path: "log"))
        defer { flood.stop(group: true) }

        /// The counters of a tracer; what was lost is beside the others, and so is the time of all, in milliseconds.
        func ledger(of tracer: String = "syscall_tracer") throws -> [String: Int] {
            let text = try stack.sql(
                "SELECT json_set(detail, '$.ledger.time', timestamp / 1000000) FROM components WHERE component = '\(tracer)'"
            )
            let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let ledger = json?["ledger"] as? [String: Any] ?? [:]
            let lost = ledger["lost"] as? [String: Any] ?? [:]
            return ledger.merging(lost) { $1 }.compactMapValues { $0 as? Int }
        }
        /// Stored events per second over some seconds under load.
        func rate(over seconds: Double) throws -> (stored: Double, candidates: Double) {
            let before = try ledger()
            var after = before
            func delta(_ name: String) -> Double { Double((after[name] ?? 0) - (before[name] ?? 0)) }
            // By the data's own time: a commit may be late.
            try require(within: seconds + 15, "time passes") {
                after = try ledger()
                return delta("time") >= seconds * 1000
            }
            let passed = delta("time") / 1000
            return (delta("stored") / passed, delta("candidates") / passed)
        }
        try require(within: 20, "the flood is on") { try ledger()["sampled_out"] ?? 0 > 500 }
        try require(within: 40, "the rate") {
            let limited = try rate(over: 6)
            #expect(limited.candidates > 200, "every slow call is counted, stored or not: \(limited)")
            // A host that stands still for two seconds of six has not had so many; a commit that was late brings some of before.
            return (35...65).contains(limited.stored)
        }

        let started = stack.collector?.pid
        try stack.write(config: configuration(150))
        stack.collector?.signal(SIGHUP)
        try require(within: 30, "the new rate") {
            let now = try rate(over: 3)
            return (110...190).contains(now.stored)
        }
        #expect(stack.collector?.pid == started && stack.collector?.isRunning == true)

        // Now that the hooks are off, everything that was seen is somewhere.
        #expect(stack.collector?.stop() == true)
        for tracer in ["syscall_tracer", "sched_tracer", "page_fault_tracer", "io_latency_tracer"] {
            let last = try ledger(of: tracer)
            func sum(_ names: String...) -> Int { names.reduce(0) { $0 + (last[$1] ?? -1) } }
            #expect(sum("seen") > 0)
            #expect(
                sum("seen") == sum("aggregated", "filtered", "storage", "map_full", "start_missing"),
                "\(tracer) \(last)")
            #expect(sum("entered") == sum("exited", "in_flight", "abandoned"), "\(tracer) \(last)")
            #expect(sum("candidates") == sum("emitted", "sampled_out", "ringbuf_full"), "\(tracer) \(last)")
            #expect(sum("emitted") == sum("stored", "dropped_in_user_space"), "\(tracer) \(last)")
        }
        let last = try ledger(of: "syscall_tracer")
        #expect(try stack.sql("SELECT count(*) FROM syscall_events") == "\(last["stored"] ?? -1)")
        #expect(last["sampled_out"] ?? 0 > last["stored"] ?? 0)
    }
}
