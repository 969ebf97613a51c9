import Glibc
import Model
import Testing

@testable import Tracers

/// Everything that loads programs into the running kernel: one test at a time, as root.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root"))
enum KernelTests {}

/// Attaches tracers and fails the test if one does not run.
func attached(_ names: Set<TracerName>, _ change: (inout TracerOptions) -> Void = { _ in }) throws -> Tracers {
    var options = TracerOptions(enabled: names)
    change(&options)
    let tracers = Tracers(options)
    for name in names { try #require(tracers.status(of: name).state == .attached) }
    return tracers
}

extension Tracers {
    func status(of name: TracerName) throws -> TracerStatus {
        try #require(statuses().first { $0.name == name })
    }
}

extension TracerReadings {
    func process(_ pid: UInt64) -> ProcessActivity? { processes.first { $0.identity.pid == Int32(pid) } }
}
