import Foundation
import Glibc
import Testing

/// The cost of watching stays under its budget, whatever the host does. Needs root and BPF.
@Suite(.serialized, .enabled(if: getuid() == 0)) struct GovernorTests {
    @Test func `a storm of system calls switches their tracer off, and calm brings it back`() throws {
        // A collector that is built for debugging takes more than the default by itself.
        let stack = try Stack(config: "overhead: { budget_percent: 3 }\n")
        try stack.startCollector()
        try require(within: 20, "it is measured whole") { try stack.coverage(of: "syscall_tracer") == "full" }
        let workload = Stack.binaries.appending(path: "bench-workload").path
        let storm = try ["0", "1"].map {
            try start(workload, ["syscalls", $0, "120"], directory: stack.directory.appending(path: "log"))
        }
        try require(within: 15, "it is off") { try stack.coverage(of: "syscall_tracer") == "off" }
        #expect(try stack.secondsOverBudget(3, since: "syscall_tracer") <= 5)
        for child in storm { child.stop() }
        try require(within: 60, "it is whole again") { try stack.coverage(of: "syscall_tracer") == "full" }
        let steps = try stack.sql(
            "SELECT group_concat(from_coverage || ' ' || to_coverage, ', ') FROM governor_steps"
                + " WHERE tracer = 'syscall_tracer'")
        #expect(steps.hasPrefix("full off") && steps.hasSuffix("full"), "\(steps)")
    }

    @Test func `a storm of switches switches sched_tracer off, and who runs and waits is known all the same`() throws {
        let stack = try Stack(config: "overhead: { budget_percent: 3 }\n")
        try stack.startCollector()
        try require(within: 20, "it is measured whole") { try stack.coverage(of: "sched_tracer") == "full" }
        let workload = Stack.binaries.appending(path: "bench-workload").path
        let storm = try ["0", "1"].map {
            try start(workload, ["yields", $0, "120"], directory: stack.directory.appending(path: "log"))
        }
        try require(within: 15, "it is off") { try stack.coverage(of: "sched_tracer") == "off" }
        #expect(try stack.secondsOverBudget(3, since: "sched_tracer") <= 5)
        try require(within: 5, "the scheduler's own clocks stand in") {
            let known = try stack.sql(
                """
                SELECT count(*) FROM process_snapshots, json_each(processes) p
                    WHERE p.value ->> 'comm' = 'bench-workload' AND p.value ->> '$.scheduling.cpu_ns' > 100000000
                        AND p.value ->> '$.scheduling.wait_ns' > 0
                        AND p.value ->> '$.scheduling.voluntary_switches' + (p.value ->> '$.scheduling.involuntary_switches') > 1000
                        AND p.value ->> '$.scheduling.blocked_ns' IS NULL
                """)
            return Int(known) ?? 0 > 0
        }
        for child in storm { child.stop() }
        try require(within: 60, "it is whole again") { try stack.coverage(of: "sched_tracer") == "full" }
    }
}

extension Stack {
    fileprivate func coverage(of tracer: String) throws -> String {
        try sql("SELECT json_extract(detail, '$.coverage') FROM components WHERE component = '\(tracer)'")
    }

    /// By the data's own time: from the step that switched a tracer off until the cost was under so many percent of the host.
    fileprivate func secondsOverBudget(_ budget: Double, since tracer: String) throws -> Double {
        let off = try sql(
            "SELECT max(timestamp) FROM governor_steps WHERE tracer = '\(tracer)' AND to_coverage = 'off'")
        var passed: Double?
        try require(within: 20, "the cost is under the budget") {
            passed = Double(
                try sql(
                    "SELECT (timestamp - \(off)) / 1e9 FROM components WHERE component = 'governor'"
                        + " AND timestamp > \(off) AND json_extract(detail, '$.cost_percent_of_host') <= \(budget)"))
            return passed != nil
        }
        return try #require(passed)
    }
}
