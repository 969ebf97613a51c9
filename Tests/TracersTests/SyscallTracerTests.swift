import Foundation
import Glibc
import Model
import Testing

@testable import Tracers

/// Runs something while this process may open nothing.
private func withoutNewFiles<Result>(_ body: () -> Result) -> Result {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
    defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    return body()
}

extension KernelTests {
    @Suite struct SyscallTracerTests {
        /// A number that nobody else uses while a test runs: `getpriority`, in process management.
        static let rare = SyscallTable.kinds.firstIndex { $0?.name == "getpriority" } ?? -1

        @Test func `23 calls of one number by a fresh process are 23 in both counts`() throws {
            let tracers = try attached([.syscall])
            let child = try SteppedChild(
                """
                call = ctypes.CDLL(None).syscall
                step(str(os.getpid()))
                for _ in range(23): call(\(Self.rare), 0, 0)
                step("0")
                """)
            let pid = try child.numbers()[0]
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            let readings = tracers.read()
            let call = try #require(readings.syscalls?.calls.first { $0.number == Self.rare })
            #expect(call.count == 23)
            #expect(call.errors == 0)
            #expect(call.log2.reduce(0, +) == 23)
            #expect(call.name == "getpriority")
            let activity = try #require(readings.process(pid)?.calls?[.processManagement])
            #expect(activity.count == 23)
        }

        @Test func `one thread in sixteen has its turn, and processes have no numbers then`() throws {
            let tracers = try attached([.syscall])
            try tracers.set(.sampled, of: .syscall)
            let child = try SteppedChild(
                """
                call = ctypes.CDLL(None).syscall
                while True:
                    step(str(os.getpid()))
                    for _ in range(23): call(\(Self.rare), 0, 0)
                """)
            let pid = try child.numbers()[0]
            _ = tracers.read()
            var turns: [UInt64] = []
            for _ in 0..<32 {
                child.go()
                _ = try child.numbers()
                let readings = tracers.read()
                #expect(readings.sampled == [.syscall])
                #expect(readings.process(pid)?.calls == nil)
                turns += readings.syscalls?.calls.filter { $0.number == Self.rare }.map(\.count) ?? []
            }
            #expect(turns == [23, 23])
        }

        @Test func `a call that began in another turn has no latency`() throws {
            let tracers = try attached([.syscall])
            let child = try SteppedChild(
                """
                step(str(os.getpid()))
                step("0")
                """)
            _ = try child.numbers()
            // It waits in read(2), which began while all was measured.
            _ = tracers.read()
            for coverage in [Coverage.off, .full] { try tracers.set(coverage, of: .syscall) }
            let before = try tracers.status(of: .syscall).ledger
            child.go()
            _ = try child.numbers()
            let after = try tracers.status(of: .syscall).ledger
            #expect(after.lostStartMissing > before.lostStartMissing)
            let reads = tracers.read().syscalls?.calls.first { $0.name == "read" }
            #expect(reads?.latencyNanoseconds ?? 0 < 1_000_000_000)
        }

        @Test func `a walk that fails leaves the tick empty and the next one tells it all`() throws {
            let tracers = try attached([.syscall, .scheduler])
            let child = try SteppedChild(
                """
                call = ctypes.CDLL(None).syscall
                step(str(os.getpid()))
                for _ in range(23): call(\(Self.rare), 0, 0)
                step("0")
                """)
            let pid = try child.numbers()[0]
            let before = try #require(tracers.read().process(pid)?.scheduling)
            child.go()
            _ = try child.numbers()
            // Each walk opens the iterator.
            let nothing = withoutNewFiles { tracers.read() }
            #expect(nothing.processes.isEmpty && nothing.syscalls == nil && nothing.scheduler == nil)
            guard case .failed(let reason, _) = tracers.processesStatus().state else {
                Issue.record("\(tracers.processesStatus().state)")
                return
            }
            #expect(reason.hasPrefix("walking the threads: "))
            let readings = tracers.read()
            #expect(readings.syscalls?.calls.first { $0.number == Self.rare }?.count == 23)
            let process = try #require(readings.process(pid))
            #expect(process.calls?[.processManagement]?.count == 23)
            #expect(process.scheduling?.cpuNanoseconds ?? 0 < before.cpuNanoseconds)
            #expect(tracers.processesStatus().state == .attached)
        }

        @Test func `a process that lives for milliseconds is counted when it is gone`() throws {
            let tracers = try attached([.syscall])
            _ = tracers.read()
            let child = try SteppedChild(
                """
                call = ctypes.CDLL(None).syscall
                pid = os.fork()
                if pid == 0:
                    for _ in range(23): call(\(Self.rare), 0, 0)
                    os._exit(0)
                os.waitpid(pid, 0)
                step(str(pid))
                """)
            let pid = try child.numbers()[0]
            let process = try #require(tracers.read().process(pid))
            #expect(process.exited)
            #expect((process.calls?[.processManagement]?.count ?? 0) >= 23)
            #expect(tracers.read().process(pid) == nil)
        }

        @Test func `errors are counted and a call that fails says so`() throws {
            let tracers = try attached([.syscall])
            let child = try SteppedChild(
                """
                call = ctypes.CDLL(None).syscall
                step("0")
                for _ in range(7): call(\(Self.rare), 99, 0)
                step("0")
                """)
            _ = try child.numbers()
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            let call = try #require(tracers.read().syscalls?.calls.first { $0.number == Self.rare })
            #expect(call.count == 7)
            #expect(call.errors == 7)
        }

        @Test func `a call that a seccomp filter refuses is filtered, not lost`() throws {
            let tracers = try attached([.syscall])
            // Loads the number; if it is the rare one, EPERM, else allow.
            let child = try SteppedChild(
                """
                import struct
                libc = ctypes.CDLL(None, use_errno=True)
                code = [(0x20, 0, 0, 0), (0x15, 0, 1, \(Self.rare)), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7fff0000)]
                filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
                program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(filter)))
                if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program): sys.exit("no filter")
                step("0")
                for _ in range(10_000):
                    if libc.syscall(\(Self.rare), 0, 0) != -1 or ctypes.get_errno() != 1: sys.exit("not refused")
                step("0")
                """)
            _ = try child.numbers()
            _ = tracers.read()
            let before = try tracers.status(of: .syscall).ledger
            child.go()
            _ = try child.numbers()
            let after = try tracers.status(of: .syscall).ledger
            #expect(after.filtered - before.filtered >= 10_000)
            // What began before we were attached may return meanwhile.
            #expect(after.lostStartMissing - before.lostStartMissing < 1000)
            #expect(tracers.read().syscalls?.calls.contains { $0.number == Self.rare } == false)
        }

        @Test func `a wait for a lock is an event and a sleep on purpose is none`() throws {
            let tracers = try attached([.syscall, .scheduler]) { options in
                options.set(.syscall) { $0.eventThresholdNanoseconds = 20_000_000 }
            }
            let file = DiskFile()
            let child = try SteppedChild(
                """
                import fcntl, time
                ready, go = os.pipe()
                if os.fork() == 0:
                    held = open(sys.argv[1], "w")
                    fcntl.flock(held, fcntl.LOCK_EX)
                    os.write(go, b".")
                    time.sleep(0.5)
                    os._exit(0)
                os.read(ready, 1)
                wanted = open(sys.argv[1], "w")
                fcntl.flock(wanted, fcntl.LOCK_EX)
                time.sleep(0.1)
                step(str(os.getpid()))
                """, file.path)
            let pid = try child.numbers()[0]
            let events = try #require(tracers.read().syscalls).events.filter { $0.task.process.pid == Int32(pid) }
            let lock = try #require(events.first { $0.name == "flock" })
            #expect(lock.category == .lockContention)
            #expect(lock.latencyNanoseconds > 50_000_000)
            #expect(lock.blockedNanoseconds != nil)
            #expect(lock.returnValue == 0)
            #expect(events.allSatisfy { $0.category != .intendedWait && $0.name != "read" })
            let age = Timestamp(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9)).seconds(since: lock.time)
            #expect(age >= 0 && age < 10)
        }

        @Test func `a call that never returns is seen while it runs`() throws {
            let tracers = try attached([.syscall, .scheduler])
            let file = DiskFile()
            let child = try SteppedChild(
                """
                import fcntl, threading
                held = open(sys.argv[1], "w")
                fcntl.lockf(held, fcntl.LOCK_EX)
                pid = os.fork()
                if pid == 0:
                    ctypes.CDLL(None).prctl(1, 9)
                    fcntl.lockf(open(sys.argv[1], "w"), fcntl.LOCK_EX)
                step(str(pid))
                """, file.path)
            let pid = try child.numbers()[0]
            var found: SyscallEvent?
            let seen = eventually {
                found = tracers.read().syscalls?.running.first { $0.task.process.pid == Int32(pid) }
                return found.map { $0.latencyNanoseconds > 100_000_000 } ?? false
            }
            #expect(seen)
            let call = try #require(found)
            #expect(call.name == "fcntl")
            #expect(call.returnValue == nil)
            _ = child
        }

        @Test func `the two kinds of histogram and the sums tell of the same calls`() throws {
            let tracers = try attached([.syscall])
            let stress = try Workload.stress("--get 1 --fork 1 --hdd 1 --hdd-bytes 16M")
            try #require(eventually { (try? tracers.status(of: .syscall).ledger.exited) ?? 0 > 200_000 })
            withExtendedLifetime(stress) {}
            tracers.detach()
            let reading = try #require(tracers.read().syscalls)
            for category in SyscallCategory.allCases {
                guard let histogram = reading.latency[category] else { continue }
                let calls = reading.calls.filter { $0.category == category }
                #expect(histogram.total == calls.reduce(0) { $0 + $1.count })
                for exponent in 3..<35 {
                    let buckets = (exponent - 2) * 8..<(exponent - 1) * 8
                    let log2 = calls.reduce(0) { $0 + UInt64($1.log2[exponent]) }
                    #expect(histogram.counts[buckets].reduce(0, +) == log2, "\(category), 2^\(exponent)")
                }
                let sum = Double(calls.reduce(0) { $0 + $1.latencyNanoseconds })
                let middle = histogram.counts.enumerated().reduce(0.0) {
                    $0 + Double($1.element) * Double(LatencyHistogram.midpoint(ofBucket: $1.offset))
                }
                #expect(abs(middle - sum) <= 0.0626 * sum, "\(category): \(middle) for \(sum)")
            }
            #expect(reading.latency.count > 3)
        }

        @Test func `events follow the limit and a change needs no reload`() throws {
            // Nothing is too fast to be an event, so calls come as a flood.
            let tracers = try attached([.syscall]) { options in
                options.set(.syscall) {
                    $0.eventsPerSecond = 50
                    $0.eventThresholdNanoseconds = 0
                }
            }
            let flood = try Workload.stress("--getdent 1")
            defer { withExtendedLifetime(flood) {} }
            func stored(seconds: Double) -> Double {
                var rate = 0.0
                for _ in 0..<5 {
                    _ = tracers.read()
                    let start = ContinuousClock.now
                    var (last, longest) = (start, Duration.zero)
                    while last - start < .seconds(seconds) {
                        usleep(20_000)
                        let now = ContinuousClock.now
                        (last, longest) = (now, max(longest, now - last))
                    }
                    let events = tracers.read().syscalls?.events.count ?? 0
                    rate = Double(events) / ((ContinuousClock.now - start) / .seconds(1))
                    // The limit lets by no more at once than a tenth of a second's: a host that stood still for longer has lost some.
                    if longest < .milliseconds(100) { break }
                }
                return rate
            }
            try #require(eventually { (try? tracers.status(of: .syscall).ledger.sampledOut) ?? 0 > 1000 })
            let slow = stored(seconds: 2)
            #expect((45...56).contains(slow), "\(slow) events/s")
            tracers.setEventsPerSecond(400, of: .syscall)
            let fast = stored(seconds: 2)
            #expect((360...440).contains(fast), "\(fast) events/s")
            tracers.setEventsPerSecond(0, of: .syscall)
            _ = tracers.read()
            #expect(stored(seconds: 0.3) == 0)
        }

        @Test func `every number of this architecture has a name and a category`() {
            #expect(SyscallTable.name(of: 0).isEmpty == false)
            #expect(SyscallNumbers.parse(SyscallNumbers.x86)[0] == "read")
            #expect(SyscallNumbers.parse(SyscallNumbers.x86)[39] == "getpid")
            #expect(SyscallNumbers.parse(SyscallNumbers.x86)[231] == "exit_group")
            #expect(SyscallNumbers.parse(SyscallNumbers.x86)[334] == "rseq")
            #expect(SyscallNumbers.parse(SyscallNumbers.x86)[435] == "clone3")
            #expect(SyscallNumbers.parse(SyscallNumbers.x86)[469] == "file_setattr")
            #expect(SyscallNumbers.parse(SyscallNumbers.generic)[63] == "read")
            #expect(SyscallNumbers.parse(SyscallNumbers.generic)[291] == "statx")
            #expect(SyscallNumbers.parse(SyscallNumbers.generic)[435] == "clone3")
            #expect(SyscallTable.kinds.compactMap { $0 }.filter { $0.category == .other }.count < 70)
        }
    }
}
