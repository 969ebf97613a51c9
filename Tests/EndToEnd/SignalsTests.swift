import FaultLab
import Foundation
import Testing

/// Real faults beside a real victim: each must become a signal above low within 5 s that names stress-ng, and close
/// within 15 s after the fault has ended. Needs root, BPF, stress-ng and python3.
@Suite(.serialized) struct SignalsTests {
    @Test func `a busy CPU starves a periodic task`() throws {
        let scene = try Scene(victim: "periodic.py")
        let fault = try scene.start("/usr/bin/stress-ng", ["--cpu", "8", "--timeout", "60"])
        try scene.expect(["load_mismatch", "scheduler"], causedBy: "stress-ng")
        fault.stop(group: true)
        try scene.expectClosed(["load_mismatch", "scheduler"])
    }

    @Test func `an I/O flood slows a task that makes its writes durable`() throws {
        let scene = try Scene(victim: "fsync_writer.py", "victim.dat")
        let fault = try scene.start(
            "/usr/bin/stress-ng",
            [
                "--hdd", "8", "--hdd-bytes", "1g", "--hdd-write-size", "4m", "--hdd-opts", "direct,wr-seq",
                "--temp-path", scene.stack.directory.path, "--timeout", "60",
            ])
        try scene.expect(["io_congestion", "block_device_saturation", "syscall"], causedBy: "stress-ng")
        fault.stop(group: true)
        try scene.expectClosed(["io_congestion", "block_device_saturation", "syscall"])
    }

    @Test func `memory that is taken away makes a working set fault again and again`() throws {
        let group = try MemoryGroup(megabytes: 512)
        let scene = try Scene(victim: "working_set.py", "victim.dat", "300", in: group)
        let fault = try scene.start(
            "/usr/bin/stress-ng", ["--vm", "2", "--vm-bytes", "460m", "--vm-keep", "--timeout", "60"], in: group)
        try scene.expect(["memory_pressure", "page_fault"], causedBy: "stress-ng")
        fault.stop(group: true)
        try scene.expectClosed(["memory_pressure", "page_fault"])
    }
}
