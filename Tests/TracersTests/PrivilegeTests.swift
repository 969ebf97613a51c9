import Foundation
import Glibc
import Model
import Testing

@testable import Tracers

@_silgen_name("capset")
private func capset(_ header: UnsafeMutableRawPointer, _ data: UnsafeMutableRawPointer) -> Int32

/// Runs something on a thread that has these capabilities and no others; threads have their own.
private func withCapabilities<Result: Sendable>(
    _ capabilities: [Int], _ body: @escaping @Sendable () -> Result
) throws -> Result {
    let box = Box<Result>()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
        var header: [UInt32] = [0x2008_0522, 0]
        // Effective, permitted, inheritable; numbers 0 to 31, then 32 to 63.
        var sets = [UInt32](repeating: 0, count: 6)
        for capability in capabilities {
            sets[capability / 32 * 3] |= 1 << UInt32(capability % 32)
            sets[capability / 32 * 3 + 1] |= 1 << UInt32(capability % 32)
        }
        if capset(&header, &sets) == 0 { box.value = body() }
        done.signal()
    }
    thread.start()
    done.wait()
    return try #require(box.value, "capset failed")
}

// @unchecked because the semaphore orders the one write before the one read.
private final class Box<Value>: @unchecked Sendable { var value: Value? }

extension KernelTests {
    @Suite struct PrivilegeTests {
        private func states() -> [TracerName: TracerStatus.State] {
            let tracers = Tracers()
            return Dictionary(uniqueKeysWithValues: tracers.statuses().map { ($0.name, $0.state) })
        }

        @Test func `CAP_BPF and CAP_PERFMON are enough for all four`() throws {
            let states = try withCapabilities([38, 39]) { self.states() }
            for name in TracerName.allCases { #expect(states[name] == .attached) }
        }

        @Test func `without a capability every tracer says which one it lacks and what to do`() throws {
            for (held, missing) in [([38], "CAP_BPF"), ([39], "CAP_PERFMON"), ([], "CAP_BPF and no CAP_PERFMON")] {
                let states = try withCapabilities(held) { self.states() }
                for name in TracerName.allCases {
                    guard case .failed(let reason, let remedy) = states[name] else {
                        Issue.record("\(name) is \(String(describing: states[name]))")
                        continue
                    }
                    #expect(reason.hasSuffix("the process has no \(missing)"), "\(reason)")
                    #expect(remedy.contains("CAP_BPF and CAP_PERFMON"))
                }
            }
        }

        @Test func `what is not enabled is disabled and takes nothing`() throws {
            let tracers = Tracers(TracerOptions(enabled: [.blockIO]))
            #expect(try tracers.status(of: .blockIO).state == .attached)
            for name in TracerName.allCases where name != .blockIO {
                let status = try tracers.status(of: name)
                #expect(status.state == .disabled)
                #expect(status.cost.mapBytes == 0)
            }
            #expect(tracers.read().syscalls == nil)
        }

        @Test func `all maps with the storage of a thousand threads stay within three megabytes on two CPUs`() throws {
            let tracers = try attached(Set(TracerName.allCases))
            _ = tracers.read()
            let shared = tracers.processesStatus()
            #expect(shared.threads > 0)
            let bytes = tracers.statuses().reduce(shared.cost.mapBytes) { $0 + $1.cost.mapBytes }
            let thousand = bytes - MapMemory.taskStorage(threads: shared.threads) + MapMemory.taskStorage(threads: 1000)
            let perCPU = 0.5 * Double(PerCPUArray.possibleCPUs)
            #expect(Double(thousand) / 1_048_576 <= 2 + perCPU, "\(bytes) bytes with \(shared.threads) threads")
        }

        @Test func `a missing tracepoint is named`() {
            let failure = LoadFailure(
                "loading x", errno: ESRCH,
                log: """
                    libbpf: prog 'start': failed to find kernel BTF type ID of 'block_io_start': -3
                    libbpf: prog 'start': failed to prepare load attributes: -3
                    """)
            #expect(failure.reason == "this kernel has no tracepoint block_io_start")
        }
    }
}
