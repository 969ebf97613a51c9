import Glibc
import Model
import Testing

@testable import Tracers

extension KernelTests {
    @Suite struct PageFaultTests {
        private func tracers(_ change: (inout TracerLimits) -> Void = { _ in }) throws -> Tracers {
            try attached([.pageFault]) { $0.set(.pageFault, change) }
        }

        @Test func `forks that touch fresh pages have the minor faults that getrusage says`() throws {
            let tracers = try tracers()
            // Each round is the same, so that from the second on the interpreter itself faults no more.
            let child = try SteppedChild(
                """
                forks, pages, rounds = 4, 300, 4
                pipes = []
                for _ in range(forks):
                    ready, go = os.pipe()
                    if os.fork() == 0:
                        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: end with the parent
                        for _ in range(rounds):
                            memory = mmap.mmap(-1, pages * 4096)
                            for touched in (0, pages):
                                for page in range(touched):
                                    memory[page * 4096] = 1
                                usage = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
                                os.write(1, b"%d %d\\n" % (os.getpid(), usage))
                                os.read(ready, 1)
                            memory.close()
                        os._exit(0)
                    pipes.append(go)
                while os.read(0, 1):
                    for go in pipes:
                        os.write(go, b".")
                """)
            for round in 0..<4 {
                func usages() throws -> [UInt64: UInt64] {
                    let lines = try (0..<4).map { _ in try child.numbers() }
                    return Dictionary(uniqueKeysWithValues: lines.map { ($0[0], $0[1]) })
                }
                let before = try usages()
                _ = tracers.read()
                child.go()
                let after = try usages()
                let readings = tracers.read()
                if round < 3 {
                    child.go()
                    continue
                }
                for (pid, usage) in after {
                    let expected = usage - (before[pid] ?? 0)
                    #expect(expected >= 300)
                    #expect(readings.process(pid)?.faults?.minor == expected)
                }
                let reading = try #require(readings.pageFaults)
                #expect(reading.minor >= 1200)
                #expect(reading.minorLatency.total <= reading.minor)
            }
        }

        @Test func `pages of a file that were dropped come back as major faults of whoever touches them`() throws {
            let tracers = try tracers { $0.eventsPerSecond = 100_000 }
            let file = DiskFile()
            let child = try SteppedChild(
                """
                pages = 64
                file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
                os.write(file, b"x" * 4096 * pages)
                os.fsync(file)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                memory = mmap.mmap(file, 0, mmap.MAP_SHARED, mmap.PROT_READ)
                memory.madvise(mmap.MADV_RANDOM)
                for touched in (0, pages):
                    for page in range(0, touched, 4):
                        memory[page * 4096]
                    usage = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
                    step("%d %d" % (os.getpid(), usage))
                """, file.path)
            let before = try child.numbers()
            _ = tracers.read()
            child.go()
            let after = try child.numbers()
            let readings = tracers.read()
            let expected = after[1] - before[1]
            #expect(expected >= 8)
            let faults = try #require(readings.process(after[0])?.faults)
            #expect(faults.major == expected)
            #expect(faults.majorLatencyNanoseconds > 0)
            #expect(faults.latencyNanoseconds >= faults.majorLatencyNanoseconds)
            let reading = try #require(readings.pageFaults)
            #expect(reading.major >= expected)
            let events = reading.events.filter { $0.task.process.pid == Int32(after[0]) && $0.major }
            #expect(events.count == Int(expected))
            #expect(events.allSatisfy { $0.userMode && $0.access == .read && $0.latencyNanoseconds > 0 })
        }

        @Test func `an event says the address, the access and whether the kernel touched the page`() throws {
            let tracers = try tracers {
                $0.eventThresholdNanoseconds = 0
                $0.eventsPerSecond = 1_000_000
                $0.ringBytes = 1 << 20
            }
            let child = try SteppedChild(
                """
                zero = os.open("/dev/zero", os.O_RDONLY)
                memory = mmap.mmap(-1, 4 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
                address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
                step("%d %d" % (os.getpid(), address))
                memory[0] = 1
                memory[4096]
                os.readv(zero, [memoryview(memory)[8192:12288]])
                step("0")
                """)
            let (pid, address) = try {
                let said = try child.numbers(); return (said[0], said[1])
            }()
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            let events = try #require(tracers.read().pageFaults).events.filter { $0.task.process.pid == Int32(pid) }
            func event(page: UInt64) throws -> PageFaultEvent {
                try #require(events.first { $0.address / 4096 == address / 4096 + page })
            }
            let written = try event(page: 0)
            #expect(written.access == .write && written.userMode && !written.major)
            #expect(written.task.comm.hasPrefix("python"))
            #expect(try event(page: 1).access == .read)
            let filled = try event(page: 2)
            #expect(filled.access == .write && !filled.userMode)
        }

        @Test(arguments: [32_768, 4096])
        func `the ledger adds up to the last fault once the hooks are off, whatever the ring`(ringBytes: Int) throws {
            let tracers = try tracers {
                $0.ringBytes = ringBytes
                $0.eventThresholdNanoseconds = ringBytes == 4096 ? 0 : 1_000_000
                $0.eventsPerSecond = 1_000_000
            }
            let stress = try Workload.stress("--fault 1 --fork 1 --sigsegv 1 --vm 1 --vm-bytes 32m --mmap 1")
            let busy = eventually {
                _ = tracers.read()
                let ledger = (try? tracers.status(of: .pageFault).ledger) ?? Ledger()
                return ledger.abandoned > 1000 && ledger.exited > 10_000
            }
            #expect(busy)
            // The load goes on: what is under way must be found.
            tracers.detach()
            withExtendedLifetime(stress) {}
            let ledger = try tracers.status(of: .pageFault).ledger
            #expect(ledger.runsAddUp)
            #expect(ledger.callsAddUp)
            #expect(ledger.eventsAddUp)
            if ringBytes == 4096 { #expect(ledger.ringBufferFull > 0) }
            #expect(try tracers.status(of: .pageFault).cost.nanosecondsPerRun ?? 0 > 0)
        }

        @Test func `a fault that its process dies of is abandoned`() throws {
            let tracers = try tracers()
            let child = try SteppedChild(
                """
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                step("0")
                for _ in range(40):
                    pid = os.fork()
                    if pid == 0: ctypes.string_at(4097)
                    os.waitpid(pid, 0)
                step("0")
                """)
            _ = try child.numbers()
            let before = try tracers.status(of: .pageFault).ledger.abandoned
            child.go()
            _ = try child.numbers()
            tracers.detach()
            let ledger = try tracers.status(of: .pageFault).ledger
            #expect(ledger.abandoned >= before + 40)
            #expect(ledger.callsAddUp)
        }

        @Test func `with a rate of zero no event comes and every fault is counted`() throws {
            let tracers = try tracers {
                $0.eventThresholdNanoseconds = 0
                $0.eventsPerSecond = 0
            }
            let child = try SteppedChild("step('0')")
            _ = try child.numbers()
            let reading = try #require(tracers.read().pageFaults)
            #expect(reading.events.isEmpty)
            #expect(reading.minor > 100)
            tracers.detach()
            let ledger = try tracers.status(of: .pageFault).ledger
            #expect(ledger.candidates > 100 && ledger.sampledOut == ledger.candidates)
        }
    }
}
