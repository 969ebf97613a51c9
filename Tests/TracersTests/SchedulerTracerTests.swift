import Foundation
import Glibc
import Model
import Testing

@testable import FaultLab
@testable import Tracers

extension KernelTests {
    @Suite struct SchedulerTracerTests {
        /// `voluntary_ctxt_switches` and the other one, of a process with one thread.
        private func switches(_ pid: UInt64) throws -> (voluntary: UInt64, involuntary: UInt64) {
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            func field(_ name: String) throws -> UInt64 {
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name) })
                return try #require(UInt64(line.split(separator: "\t")[1]))
            }
            return (try field("voluntary_ctxt_switches"), try field("nonvoluntary_ctxt_switches"))
        }

        @Test func `switches of a ping-pong pair are those of the kernel`() throws {
            let tracers = try attached([.scheduler])
            let child = try SteppedChild(
                """
                ping, pong = os.pipe(), os.pipe()
                os.sched_setaffinity(0, {0})
                parent = os.getpid()
                pid = os.fork()
                if pid == 0:
                    ctypes.CDLL(None).prctl(1, 9)
                    while os.read(ping[0], 1): os.write(pong[1], b".")
                    os._exit(0)
                step(f"{parent} {pid}")
                for _ in range(5000):
                    os.write(ping[1], b".")
                    os.read(pong[0], 1)
                end = __import__("time").time() + 0.2
                while __import__("time").time() < end: pass
                step("0")
                """)
            let pids = try child.numbers()
            // Both are asleep before and after, so that nothing moves between the two readings.
            func asleep() -> Bool {
                pids.allSatisfy { pid in
                    (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8))?.contains(") S ") ?? false
                }
            }
            try #require(eventually { asleep() })
            let before = try pids.map(switches)
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            try #require(eventually { asleep() })
            let after = try pids.map(switches)
            let readings = tracers.read()
            for (index, pid) in pids.enumerated() {
                let counted = try #require(readings.process(pid)?.scheduling)
                #expect(counted.voluntarySwitches == after[index].voluntary - before[index].voluntary)
                #expect(counted.involuntarySwitches == after[index].involuntary - before[index].involuntary)
                #expect(counted.voluntarySwitches > 1000)
                #expect(counted.wakeups ?? 0 > 1000)
            }
            let parent = try #require(readings.process(pids[0])?.scheduling)
            #expect(parent.cpuNanoseconds > 50_000_000)
        }

        @Test func `a thread that sleeps on purpose slept and was not blocked`() throws {
            let tracers = try attached([.scheduler])
            let child = try SteppedChild(
                """
                import time
                step(str(os.getpid()))
                time.sleep(0.3)
                step("0")
                """)
            let pid = try child.numbers()[0]
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            let scheduling = try #require(tracers.read().process(pid)?.scheduling)
            #expect(scheduling.sleptNanoseconds ?? 0 > 290_000_000)
            #expect(scheduling.blockedNanoseconds ?? .max < 100_000_000)
        }

        @Test func `a process that runs for three milliseconds without a pause has used them`() throws {
            let process = try ended(
                """
                end = time.process_time_ns() + 3_000_000
                while time.process_time_ns() < end: pass
                """)
            #expect(!process.killed)
            let used = process.scheduling?.cpuNanoseconds ?? 0
            #expect((3_000_000..<100_000_000).contains(used), "\(used) ns")
        }

        @Test func `a process that SIGKILL ends is seen as killed, and one that another signal ends is not`() throws {
            #expect(try ended("os.kill(os.getpid(), 9)").killed)
            #expect(try !ended("os.kill(os.getpid(), 15)").killed)
        }

        /// What is reported of a process that does something and ends, all between two readings.
        private func ended(_ work: String) throws -> ProcessActivity {
            let tracers = try attached([.scheduler])
            let child = try SteppedChild(
                """
                import time
                def work():
                \(work.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
                step("0")
                pid = os.fork()
                if pid == 0:
                    work()
                    os._exit(0)
                os.waitpid(pid, 0)
                step(str(pid))
                """)
            _ = try child.numbers()
            _ = tracers.read()
            child.go()
            let pid = try child.numbers()[0]
            let process = try #require(tracers.read().process(pid))
            #expect(process.exited)
            return process
        }

        /// What lies between two readings of a thread, in nanoseconds: it is visited at some moment of each.
        private struct Span {
            let shortest: Double
            let longest: Double
            /// CPU 0's time that was the hypervisor's, which the scheduler's own clocks leave out.
            let stolen: Double

            func isFilled(by nanoseconds: Double, within tolerance: Double) -> Bool {
                nanoseconds > (1 - tolerance) * (shortest - stolen) && nanoseconds < (1 + tolerance) * longest
            }
        }

        private func stolen() throws -> Double {
            let stat = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
            let cpu0 = try #require(stat.split(separator: "\n").first { $0.hasPrefix("cpu0 ") })
            return try #require(Double(cpu0.split(separator: " ")[8])) * 1e9 / Double(sysconf(Int32(_SC_CLK_TCK)))
        }

        /// Readings of one process, a third of a second apart.
        private func follow(
            _ pid: UInt64, _ tracers: Tracers, _ times: Int
        ) throws -> [(scheduling: ProcessActivity.Scheduling, span: Span)] {
            func look() throws -> (readings: TracerReadings, from: ContinuousClock.Instant, to: ContinuousClock.Instant)
            {
                let from = ContinuousClock.now
                return (tracers.read(), from, .now)
            }
            var last = try (look(), stolen())
            return try (0..<times).map { _ in
                usleep(333_000)
                let next = try (look(), stolen())
                defer { last = next }
                let span = Span(
                    shortest: (next.0.from - last.0.to) / .nanoseconds(1),
                    longest: (next.0.to - last.0.from) / .nanoseconds(1), stolen: next.1 - last.1)
                return (try #require(next.0.readings.process(pid)?.scheduling), span)
            }
        }

        @Test func `a hog runs or waits in every tick, however long it keeps its CPU`() throws {
            let tracers = try attached([.scheduler])
            // Real-time: nobody takes it off its CPU for a tick's sake.
            let child = try SteppedChild(
                """
                os.sched_setaffinity(0, {0})
                step(str(os.getpid()))
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
                while True: pass
                """)
            let pid = try child.numbers()[0]
            child.go()
            try #require(eventually { tracers.read().process(pid)?.scheduling?.cpuNanoseconds ?? 0 > 0 })
            for (scheduling, span) in try follow(pid, tracers, 3) {
                let sum = Double(scheduling.cpuNanoseconds + scheduling.waitNanoseconds)
                #expect(span.isFilled(by: sum, within: 0.1), "\(sum) ns of \(span)")
                #expect(scheduling.cpuNanoseconds > 100_000_000)
            }
        }

        @Test(arguments: [Coverage.full, .off])
        func `who waits for a CPU all the time waits in every tick`(_ coverage: Coverage) throws {
            let tracers = try attached([.scheduler])
            try tracers.set(coverage, of: .scheduler)
            let hog = try SteppedChild(
                """
                os.sched_setaffinity(0, {0})
                step(str(os.getpid()))
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
                while not __import__("select").select([0], [], [], 0)[0]: pass
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
                step("0")
                """)
            let waiter = try SteppedChild(
                """
                os.sched_setaffinity(0, {0})
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
                step(str(os.getpid()))
                while True: pass
                """)
            _ = try hog.numbers()
            let pid = try waiter.numbers()[0]
            waiter.go()
            try #require(eventually { tracers.read().process(pid)?.scheduling?.cpuNanoseconds ?? 0 > 0 })
            hog.go()
            let ticks = try follow(pid, tracers, 3)
            hog.go()
            // The kernel leaves others 50 ms of a second that a real-time task would take.
            for (scheduling, span) in ticks.dropFirst() {
                let sum = Double(scheduling.cpuNanoseconds + scheduling.waitNanoseconds)
                #expect(span.isFilled(by: sum, within: 0.1), "\(sum) ns of \(span)")
                #expect(coverage == .off || scheduling.longestWaitNanoseconds ?? 0 > 200_000_000)
            }
        }

        /// Two hogs on one CPU, and what the scheduler's own clocks say of them while no hook sees every switch.
        private func shared(_ tracers: Tracers) throws {
            let hogs = try (0..<2).map { _ in
                try SteppedChild("os.sched_setaffinity(0, {0})\nstep(str(os.getpid()))\nwhile True: pass")
            }
            let pids = try hogs.map { try $0.numbers()[0] }
            for hog in hogs { hog.go() }
            for pid in pids {
                try #require(eventually { tracers.read().process(pid)?.scheduling?.waitNanoseconds ?? 0 > 0 })
                for (scheduling, span) in try follow(pid, tracers, 3) {
                    let sum = Double(scheduling.cpuNanoseconds + scheduling.waitNanoseconds)
                    #expect(span.isFilled(by: sum, within: 0.2), "\(sum) ns of \(span)")
                    #expect(scheduling.waitNanoseconds > 50_000_000)
                    #expect(scheduling.waits > 0 && scheduling.involuntarySwitches > 0)
                    #expect(scheduling.allowedCPUs == 1)
                    #expect(scheduling.blockedNanoseconds == nil && scheduling.longestWaitNanoseconds == nil)
                }
            }
        }

        @Test(arguments: [Coverage.sampled, .off])
        func `who waits for a CPU is known while this tracer looks at less`(_ coverage: Coverage) throws {
            let tracers = try attached([.scheduler])
            try tracers.set(coverage, of: .scheduler)
            try shared(tracers)
        }

        @Test func `who waits for a CPU is known to the other tracers without this one`() throws {
            try shared(try attached([.blockIO]))
        }

        @Test func `a process that lives for milliseconds and that no hook sees has its CPU time`() throws {
            let tracers = try attached([.scheduler])
            try tracers.set(.off, of: .scheduler)
            _ = tracers.read()
            let child = try SteppedChild(
                """
                step(str(os.getpid()))
                end = __import__("time").monotonic() + 0.03
                while __import__("time").monotonic() < end: pass
                """)
            let pid = try child.numbers()[0]
            child.go()
            var used: UInt64 = 0
            let ended = eventually {
                let process = tracers.read().process(pid)
                used += process?.scheduling?.cpuNanoseconds ?? 0
                return process?.exited ?? false
            }
            #expect(ended)
            #expect(used > 25_000_000 && used < 1_000_000_000, "\(used) ns")
        }

        @Test func `a task that stays in D state is blocked in every tick`() throws {
            let tracers = try attached([.scheduler])
            let clone = try #require(SyscallTable.kinds.firstIndex { $0?.name == "clone" })
            // Whoever forks with CLONE_VFORK is in D state until the child ends.
            let child = try SteppedChild(
                """
                import signal
                step(str(os.getpid()))
                if ctypes.CDLL(None).syscall(\(clone), 0x4000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
                    os.read(0, 1)
                    os._exit(0)
                step("0")
                """)
            let pid = try child.numbers()[0]
            child.go()
            try #require(eventually { tracers.read().process(pid)?.scheduling?.blockedNanoseconds ?? 0 > 0 })
            for (scheduling, span) in try follow(pid, tracers, 3) {
                let blocked = Double(try #require(scheduling.blockedNanoseconds))
                #expect(span.isFilled(by: blocked, within: 0.1), "\(blocked) ns of \(span)")
            }
            child.go()
            _ = try child.numbers()
            let rest = try #require(tracers.read().process(pid)?.scheduling).blockedNanoseconds
            #expect(rest ?? .max < 1_000_000_000, "\(rest as Any) ns are counted again when it ends")
        }

        @Test
        func `who waits for pages that were evicted stalls on memory, and who only waits for its CPU does not`() throws
        {
            let tracers = try attached([.scheduler])
            let (group, file) = (try ControlGroup.memory(megabytes: 32), DiskFile())
            // It reads here and there in a file that is larger than what its group may have in memory.
            let reader = try SteppedChild(
                """
                import random, select
                os.sched_setaffinity(0, {0})
                open(sys.argv[1], "w").write(str(os.getpid()))
                descriptor = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT, 0o600)
                for _ in range(40):
                    os.write(descriptor, bytes(1 << 20))
                    os.fdatasync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
                step(str(os.getpid()))
                while not select.select([0], [], [], 0)[0]:
                    for _ in range(100): os.pread(descriptor, 4096, random.randrange(40 << 8) << 12)
                """, group.processes, file.path)
            let hog = try SteppedChild("os.sched_setaffinity(0, {0})\nstep(str(os.getpid()))\nwhile True: pass")
            let pids = [try reader.numbers()[0], try hog.numbers()[0]]
            var (stalled, waited): ([UInt64], [UInt64]) = ([0, 0], [0, 0])
            _ = tracers.read()
            reader.go()
            hog.go()
            // A page must have been evicted twice before the kernel says that it is missed.
            let missed = eventually(within: 90) {
                let readings = tracers.read()
                for (index, pid) in pids.enumerated() {
                    guard let scheduling = readings.process(pid)?.scheduling else { continue }
                    stalled[index] += scheduling.memoryStallNanoseconds ?? 0
                    waited[index] += scheduling.waitNanoseconds + (scheduling.blockedNanoseconds ?? 0)
                }
                return stalled[0] > 200_000_000 && waited[1] > 200_000_000
            }
            #expect(missed, "\(stalled) of \(waited) ns")
            #expect(stalled[0] < waited[0])
            #expect(stalled[1] == 0)
            withExtendedLifetime(group) { reader.go() }
        }

        @Test func `too many tasks for one CPU wait and the event names who ran before`() throws {
            let tracers = try attached([.scheduler]) { options in
                options.set(.scheduler) { $0.eventThresholdNanoseconds = 2_000_000 }
            }
            let hogs = try (0..<4).map { _ in
                try SteppedChild("os.sched_setaffinity(0, {0})\nstep(str(os.getpid()))\nwhile True: pass")
            }
            let pids = try hogs.map { try $0.numbers()[0] }
            for hog in hogs { hog.go() }
            var events: [SchedulerEvent] = []
            var waited: [UInt64: UInt64] = [:]
            let seen = eventually {
                let readings = tracers.read()
                events += readings.scheduler?.events ?? []
                for pid in pids {
                    let longest = readings.process(pid)?.scheduling?.longestWaitNanoseconds ?? 0
                    waited[pid] = max(waited[pid] ?? 0, longest)
                }
                return events.contains { event in
                    event.preempted && event.cpu == 0 && pids.contains(UInt64(event.task.process.pid))
                        && pids.contains(UInt64(event.previous.pid)) && event.previous != event.task.process
                } && pids.allSatisfy { waited[$0] ?? 0 >= 2_000_000 }
            }
            #expect(seen)
            #expect(events.allSatisfy { $0.waitNanoseconds >= 2_000_000 })
        }

        @Test func `a periodic task beside a hog on one core reports the hog, and what it asked for`() throws {
            let tracers = try attached([.scheduler])
            let hog = try SteppedChild("os.sched_setaffinity(0, {0})\nstep(str(os.getpid()))\nwhile True: pass")
            let periodic = try SteppedChild(
                """
                import time
                os.sched_setaffinity(0, {0})
                step(str(os.getpid()))
                while True:
                    end = time.monotonic() + 0.002
                    while time.monotonic() < end: pass
                    time.sleep(0.003)
                """)
            let (holder, pid) = (try hog.numbers()[0], try periodic.numbers()[0])
            hog.go()
            periodic.go()
            var process: ProcessActivity?
            let seen = eventually {
                process = tracers.read().process(pid)
                return process?.scheduling?.longestWaitBehind == Int32(holder)
            }
            #expect(seen, "\(String(describing: process?.scheduling))")
            #expect(process?.scheduling?.allowedCPUs == 1)
            #expect(process?.comesLast == false)
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid), 10)
            #expect(eventually { tracers.read().process(pid)?.comesLast == true })
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid), 9)
            #expect(eventually { tracers.read().process(pid)?.comesLast == false })
            var idle = sched_param()
            sched_setscheduler(pid_t(pid), 5 /* SCHED_IDLE */, &idle)
            #expect(eventually { tracers.read().process(pid)?.comesLast == true })
        }

        @Test func `histograms by CPU add up to the histograms over all`() throws {
            let tracers = try attached([.scheduler])
            _ = tracers.read()
            let child = try SteppedChild("for _ in range(200): os.system('')\nstep('0')")
            _ = try child.numbers()
            let reading = try #require(tracers.read().scheduler)
            let queues = reading.runQueueLatency.values.reduce(0) { $0 + $1.total }
            #expect(queues == reading.wakeupLatency.total + reading.preemptionLatency.total)
            #expect(queues > 200)
            #expect(reading.voluntarySwitches + reading.involuntarySwitches > 200)
        }
    }
}
