import Foundation
import Glibc
import Model
import Testing

@testable import Tracers

extension KernelTests {
    @Suite struct LedgerTests {
        static let stressors =
            "--switch 1 --fork 1 --hdd 1 --hdd-bytes 64M --hdd-opts direct --vm 1 --vm-bytes 64M --get 1"

        /// Everything a host can do, at once.
        private func load(_ seconds: Double) throws {
            let stress = try Workload.stress(Self.stressors)
            defer { withExtendedLifetime(stress) {} }
            usleep(useconds_t(seconds * 1e6))
        }

        private func check(_ tracers: Tracers, events: [TracerName: UInt64]) throws {
            for status in tracers.statuses() {
                let ledger = status.ledger
                #expect(ledger.runsAddUp, "\(status.name): \(ledger)")
                #expect(ledger.callsAddUp, "\(status.name): \(ledger)")
                #expect(ledger.eventsAddUp, "\(status.name): \(ledger)")
                #expect(
                    ledger.emitted == (events[status.name] ?? 0) + ledger.droppedInUserSpace,
                    "\(status.name): \(events[status.name] ?? 0) taken of \(ledger)")
                #expect(ledger.seen > 1000, "\(status.name) saw nothing")
                #expect(status.hooks.isEmpty)
            }
            let exits = tracers.processesStatus().ledger
            #expect(exits.runsAddUp, "\(exits)")
        }

        private func count(_ readings: TracerReadings, into events: inout [TracerName: UInt64]) {
            events[.syscall, default: 0] += UInt64(readings.syscalls?.events.count ?? 0)
            events[.scheduler, default: 0] += UInt64(readings.scheduler?.events.count ?? 0)
            events[.pageFault, default: 0] += UInt64(readings.pageFaults?.events.count ?? 0)
            events[.blockIO, default: 0] += UInt64(readings.blockIO?.events.count ?? 0)
        }

        @Test func `under load every ledger adds up to the last run, with the load still on at detach`() throws {
            let tracers = try attached(Set(TracerName.allCases))
            let stress = try Workload.stress(Self.stressors)
            var events: [TracerName: UInt64] = [:]
            for _ in 0..<5 {
                usleep(1_000_000)
                count(tracers.read(), into: &events)
            }
            for status in tracers.statuses() {
                #expect(status.ledger.inFlight == nil, "\(status.name) cannot know yet")
            }
            tracers.detach()
            count(tracers.read(), into: &events)
            try check(tracers, events: events)
            for name in TracerName.allCases { #expect(try tracers.status(of: name).ledger.recursionMisses == 0) }
            #expect(try tracers.status(of: .syscall).ledger.inFlight ?? 0 > 0)
            #expect(try tracers.status(of: .syscall).ledger.abandoned > 0)
            withExtendedLifetime(stress) {}
        }

        @Test func `under load every ledger adds up whatever was looked at meanwhile`() throws {
            let tracers = try attached(Set(TracerName.allCases))
            let stress = try Workload.stress(Self.stressors)
            var events: [TracerName: UInt64] = [:]
            for coverage in [Coverage.sampled, .off, .sampled, .full, .off, .full] {
                for name in TracerName.allCases { try tracers.set(coverage, of: name) }
                for status in tracers.statuses() {
                    #expect(status.coverage == coverage)
                    #expect(status.hooks.isEmpty == (coverage == .off), "\(status.name): \(status.hooks)")
                }
                for _ in 0..<3 {
                    usleep(300_000)
                    count(tracers.read(), into: &events)
                }
            }
            tracers.detach()
            count(tracers.read(), into: &events)
            try check(tracers, events: events)
            #expect(try tracers.status(of: .syscall).ledger.unsampled > 0)
            #expect(try tracers.status(of: .scheduler).ledger.unsampled > 0)
            #expect(try tracers.status(of: .pageFault).ledger.unsampled > 0)
            withExtendedLifetime(stress) {}
        }

        @Test func `hooks that are off see nothing`() throws {
            let tracers = try attached(Set(TracerName.allCases))
            for name in TracerName.allCases { try tracers.set(.off, of: name) }
            // The exit hook of page faults stays, and finds nothing.
            func used() -> [UInt64] { tracers.statuses().map { $0.ledger.seen - $0.ledger.filtered } }
            let before = used()
            try load(1)
            #expect(used() == before)
            let readings = tracers.read()
            #expect(readings.syscalls == nil && readings.scheduler == nil)
            #expect(readings.pageFaults == nil && readings.blockIO == nil)
            #expect(readings.processes.allSatisfy { $0.calls == nil && $0.faults == nil && $0.blockIO == nil })
            // The scheduler keeps clocks whoever looks.
            #expect(readings.processes.allSatisfy { $0.scheduling.map { $0.blockedNanoseconds == nil } ?? true })
        }

        @Test func `tiny buffers lose events and exits, and say how many`() throws {
            let tracers = try attached(Set(TracerName.allCases)) { options in
                options.exitRingBytes = 4096
                for name in TracerName.allCases {
                    options.set(name) {
                        $0.ringBytes = 4096
                        $0.mapEntries = 2
                        $0.eventsPerSecond = 1_000_000
                        $0.eventThresholdNanoseconds = 0
                    }
                }
            }
            // Nobody reads between two ticks, however full the buffers are.
            tracers.rings.stop()
            try load(5)
            var events: [TracerName: UInt64] = [:]
            count(tracers.read(), into: &events)
            tracers.detach()
            count(tracers.read(), into: &events)
            try check(tracers, events: events)
            #expect(try tracers.status(of: .syscall).ledger.ringBufferFull > 0)
            #expect(try tracers.status(of: .scheduler).ledger.ringBufferFull > 0)
            #expect(tracers.processesStatus().ledger.lostMapFull > 0)
        }

        @Test func `a higher rate of events gets the room for them`() throws {
            let rings = RingReader()
            let processes = try Processes(rings: rings, ringBytes: 65_536, runningThresholdNanoseconds: .max)
            let tracer = try SchedulerTracer(
                host: TracerHost(tasks: processes.tasks, rings: rings), limits: TracerOptions().limits(of: .scheduler))
            #expect(tracer.program.queue.limit >= 500)
            tracer.program.eventsPerSecond = 50_000
            #expect(tracer.program.queue.limit == 50_000)
        }

        @Test func `events that find no room in the collector are counted as dropped`() throws {
            let rings = RingReader()
            let processes = try Processes(rings: rings, ringBytes: 65_536, runningThresholdNanoseconds: .max)
            let tracer = try SyscallTracer(
                host: TracerHost(tasks: processes.tasks, rings: rings),
                limits: TracerLimits(eventsPerSecond: 1_000_000, eventThresholdNanoseconds: 0, ringBytes: 4096))
            tracer.program.queue.limit = 4
            let stress = try Workload.stress("--getdent 1")
            let dropped = eventually {
                rings.drain()
                return tracer.program.account().ledger.droppedInUserSpace > 100
            }
            withExtendedLifetime(stress) {}
            #expect(dropped)
            tracer.program.object.detach()
            rings.drain()
            let taken = tracer.read(clock: .now()).events.count
            let ledger = tracer.program.account().ledger
            #expect(taken == 4)
            #expect(ledger.emitted == UInt64(taken) + ledger.droppedInUserSpace)
            #expect(ledger.eventsAddUp)
        }

        @Test func `the exit hook and the memory of threads are in the numbers of what all tracers share`() throws {
            let tracers = try attached([.syscall])
            _ = tracers.read()
            let before = tracers.processesStatus()
            let child = try SteppedChild(
                """
                import threading
                for _ in range(50):
                    pid = os.fork()
                    if pid == 0: os._exit(0)
                    os.waitpid(pid, 0)
                stay = threading.Event()
                for _ in range(200): threading.Thread(target=stay.wait, daemon=True).start()
                step("0")
                """)
            _ = try child.numbers()
            _ = tracers.read()
            let after = tracers.processesStatus()
            #expect(after.state == .attached)
            #expect(after.hooks == ["iter/task", "tp_btf/sched_process_exit"])
            #expect(after.ledger.aggregated >= before.ledger.aggregated + 50)
            #expect(after.ledger.runsAddUp)
            #expect(after.cost.runs == after.ledger.seen)
            #expect(after.threads >= before.threads + 150)
            let perThread = UInt64(512 + 192)
            #expect(after.cost.mapBytes - before.cost.mapBytes == perThread * UInt64(after.threads - before.threads))
        }

        @Test func `where nothing is enabled, what all tracers share is not loaded`() {
            #expect(Tracers(TracerOptions(enabled: [])).processesStatus().state == .disabled)
        }
    }
}
