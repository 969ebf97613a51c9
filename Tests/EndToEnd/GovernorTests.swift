import Foundation
import Glibc
import Testing

/// The cost of watching stays under its budget, whatever the host does. Needs root and BPF.
@Suite(.serialized, .enabled(if: getuid() == 0)) struct GovernorTests {
    @Test func `a storm of system calls switches their tracer off, and calm brings it back`() throws {
        // A collector that is built for debugging takes more than the default by itself.
        let stack = try Stack(config: "overhead: { budget_percent: 3 }\n")
        try stack.startCollector()
        func coverage() throws -> String {
            try stack.sql(
                "SELECT json_extract(detail, '$.coverage') FROM components WHERE component = 'syscall_tracer'")
        }
        func cost() throws -> Double? {
            Double(
                try stack.sql(
                    "SELECT json_extract(detail, '$.cost_percent_of_host') FROM components WHERE component = 'governor'"
                ))
        }
        try require(within: 20, "it is measured whole") { try coverage() == "full" }
        let workload = Stack.binaries.appending(path: "bench-workload").path
        let storm = try ["0", "1"].map {
            try start(workload, ["syscalls", $0, "120"], directory: stack.directory.appending(path: "log"))
        }
        try require(within: 15, "it is off") { try coverage() == "off" }
        try require(within: 5, "the cost is under the budget") { try cost().map { $0 <= 3 } ?? false }
        for child in storm { child.stop() }
        try require(within: 60, "it is whole again") { try coverage() == "full" }
        let steps = try stack.sql(
            "SELECT group_concat(from_coverage || ' ' || to_coverage, ', ') FROM governor_steps"
                + " WHERE tracer = 'syscall_tracer'")
        #expect(steps.hasPrefix("full off") && steps.hasSuffix("full"), "\(steps)")
    }
}
