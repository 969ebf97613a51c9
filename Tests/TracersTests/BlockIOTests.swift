import Foundation
import Glibc
import Model
import Testing

@testable import Tracers

extension KernelTests {
    @Suite struct BlockIOTests {
        private func tracers(_ change: (inout TracerLimits) -> Void = { _ in }) throws -> Tracers {
            try attached([.blockIO]) { $0.set(.blockIO, change) }
        }

        private func blockIO(of pid: UInt64, in processes: [ProcessActivity]) -> ProcessActivity.BlockIO {
            processes.first { $0.identity.pid == Int32(pid) }?.blockIO ?? ProcessActivity.BlockIO()
        }

        private func events(of pid: UInt64, _ operation: Model.BlockOperation, _ reading: BlockIOReading?)
            -> [BlockIOEvent]
        {
            (reading?.events ?? []).filter {
                $0.task.process.pid == Int32(pid) && $0.operation == operation
            }
        }

        /// The events of a round that does what one before it did: those at the sectors that were used then. What was read
        /// ahead for a process ends when it likes.
        private func again(_ first: [BlockIOEvent], in second: [BlockIOEvent]) -> [BlockIOEvent] {
            let sectors = Set(first.map(\.sector))
            return second.filter { sectors.contains($0.sector) }
        }

        private func requests(_ operation: Model.BlockOperation, _ reading: BlockIOReading) -> UInt64 {
            reading.devices.reduce(0) { $0 + ($1.flows[operation]?.requests ?? 0) }
        }

        /// Reads 23 blocks past the page cache, in its own good time.
        private static let reader = """
            blocks = 23
            file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
            os.write(file, b"x" * 4096 * blocks)
            os.fsync(file)
            file = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
            memory = mmap.mmap(-1, 4096)
            for count in (blocks, blocks):
                step(str(os.getpid()))
                for block in range(count):
                    os.preadv(file, [memory], block * 4096)
            step("0")
            """

        @Test func `23 direct reads are 23 reads of their process and at least 23 of the disk`() throws {
            let tracers = try tracers {
                $0.eventThresholdNanoseconds = 1; $0.eventsPerSecond = 100_000
            }
            let file = DiskFile()
            let child = try SteppedChild(Self.reader, file.path)
            let pid = try child.numbers()[0]
            // From here on the ring buffer is emptied as it fills, whatever else the disk does.
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            let first = events(of: pid, .read, tracers.read().blockIO)
            child.go()
            _ = try child.numbers()
            let readings = tracers.read()
            let process = blockIO(of: pid, in: readings.processes)
            #expect(process.reads == 23)
            #expect(process.readBytes == 23 * 4096)
            let reading = try #require(readings.blockIO)
            let disk = try #require(reading.devices.first { $0.flows[.read]?.requests ?? 0 >= 23 })
            #expect(disk.flows[.read]?.bytes ?? 0 >= 23 * 4096)
            #expect(disk.maximumDepth >= 1)
            #expect(access("/sys/class/block/" + disk.name, F_OK) == 0)

            let events = again(first, in: events(of: pid, .read, reading))
            #expect(events.count == 23)
            #expect(events.allSatisfy { $0.bytes == 4096 && $0.error == 0 })
            #expect(events.allSatisfy { $0.latencyNanoseconds > 1000 && $0.device == disk.name })
            #expect(Set(events.map(\.sector)).count == 23)
        }

        @Test func `writes have their bytes, and a sync is a flush of the disk and an event of whoever waits`() throws {
            let tracers = try tracers {
                $0.eventThresholdNanoseconds = 1
                $0.eventsPerSecond = 100_000
            }
            let file = DiskFile()
            let child = try SteppedChild(
                """
                file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DIRECT)
                memory = mmap.mmap(-1, 65536)
                for _ in range(4):
                    step(str(os.getpid()))
                    for block in range(8):
                        os.pwritev(file, [memory], block * 65536)
                    step("0")
                    # Not fsync: a journal that commits for it flushes by a thread of its own.
                    os.fdatasync(file)
                step("0")
                """, file.path)
            // The first round gives the file its blocks; the others only write. A process that needs room in the file system's
            // journal writes some of it itself, now and then.
            let pid = try child.numbers()[0]
            for _ in 0..<2 {
                child.go()
                _ = try child.numbers()
            }
            var bytes: (charged: UInt64, written: UInt64) = (0, 0)
            for _ in 1...3 {
                _ = tracers.read()
                child.go()
                _ = try child.numbers()
                let written = tracers.read()
                let process = blockIO(of: pid, in: written.processes)
                #expect(process.writes >= 8)
                #expect(requests(.write, try #require(written.blockIO)) >= 8)
                let events = events(of: pid, .write, written.blockIO)
                bytes = (process.writeBytes, events.reduce(0) { $0 + UInt64($1.bytes) })

                child.go()
                _ = try child.numbers()
                let flushed = try #require(tracers.read().blockIO)
                #expect(requests(.flush, flushed) >= 1)
                #expect(flushed.events.contains { $0.operation == .flush && $0.task.process.pid == Int32(pid) })
                if bytes == (8 * 65_536, 8 * 65_536) { break }
            }
            #expect(bytes == (8 * 65_536, 8 * 65_536))
        }

        @Test func `bytes that join a request under way are charged to whoever wrote them`() throws {
            let tracers = try tracers()
            let file = DiskFile()
            let child = try SteppedChild(
                """
                # A kernel that has much to write would begin with these, too.
                os.sync()
                step(str(os.getpid()))
                file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
                os.write(file, b"x" * (4 << 20))
                os.fsync(file)
                step("0")
                """, file.path)
            let pid = try child.numbers()[0]
            _ = tracers.read()
            child.go()
            _ = try child.numbers()
            #expect(blockIO(of: pid, in: tracers.read().processes).writeBytes >= 4 << 20)
        }

        @Test(arguments: [(2048, 32_768), (4, 4096)])
        func `the ledger adds up to the last request once the hooks are off, whatever the room`(
            entries: Int, ringBytes: Int
        ) throws {
            let tracers = try tracers {
                $0.mapEntries = entries
                $0.ringBytes = ringBytes
                $0.eventThresholdNanoseconds = 1
                $0.eventsPerSecond = 1_000_000
            }
            let stress = try Workload.stress("--hdd 1 --hdd-bytes 64m --hdd-opts direct --aio 2 --sync-file 1")
            let busy = eventually(within: 120) {
                // With the tiny ring nobody comes to empty it.
                if entries > 4 { _ = tracers.read() }
                let ledger = (try? tracers.status(of: .blockIO).ledger) ?? Ledger()
                return ledger.seen > 20_000 && (entries > 4 || ledger.lostMapFull > 0 && ledger.ringBufferFull > 0)
            }
            #expect(busy)
            tracers.detach()
            withExtendedLifetime(stress) {}
            let ledger = try tracers.status(of: .blockIO).ledger
            #expect(ledger.runsAddUp)
            #expect(ledger.callsAddUp)
            #expect(ledger.eventsAddUp)
            #expect(ledger.exited > 100)
            if entries == 4 {
                #expect(ledger.lostMapFull > 0)
            } else {
                #expect(ledger.lostMapFull == 0)
            }
        }

        @Test func `what is in flight when the hooks are off is what the disk still has to do`() throws {
            let stress = try Workload.stress("--hdd 4 --hdd-bytes 64m --hdd-write-size 4k --hdd-opts direct")
            var ledger = Ledger()
            for _ in 1...5 {
                let tracers = try tracers()
                try #require(eventually(within: 60) { (try? tracers.status(of: .blockIO).ledger.exited) ?? 0 > 2000 })
                let kernel = try requestsInFlight()
                tracers.detach()
                ledger = try tracers.status(of: .blockIO).ledger
                #expect(ledger.callsAddUp)
                // Now and then the kernel writes dozens of its own at once, and says so itself.
                if kernel <= 8 { break }
            }
            withExtendedLifetime(stress) {}
            // One of each writer, and the journal's.
            #expect(ledger.inFlight ?? .max <= 8, "\(ledger)")
        }

        private func requestsInFlight() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/sys/block").reduce(0) { sum, disk in
                let counts = (try? String(contentsOfFile: "/sys/block/\(disk)/inflight", encoding: .utf8)) ?? ""
                return sum + counts.split(whereSeparator: \.isWhitespace).reduce(0) { $0 + (Int($1) ?? 0) }
            }
        }

        @Test func `without block_io_start the scheduler's insertion tells who submitted it`() throws {
            let rings = RingReader()
            let processes = try Processes(rings: rings, ringBytes: 65_536, runningThresholdNanoseconds: .max)
            var limits = TracerOptions().limits(of: .blockIO)
            (limits.eventThresholdNanoseconds, limits.eventsPerSecond) = (1, 100_000)
            let tracer = try BlockIOTracer(
                host: TracerHost(tasks: processes.tasks, rings: rings), limits: limits, hasStartHook: false)
            let file = DiskFile()
            let child = try SteppedChild(Self.reader, file.path)
            let pid = try child.numbers()[0]
            rings.start()
            child.go()
            _ = try child.numbers()
            _ = processes.read { rings.drain() }
            let first = events(of: pid, .read, tracer.read(clock: .now()))
            child.go()
            _ = try child.numbers()
            let sums = try #require(processes.read { rings.drain() }).processes
            #expect(
                blockIO(of: pid, in: sums.map { $0.activity(measuredBy: [.blockIO], knowsStalls: true) }).reads == 23)
            let reading = try #require(tracer.read(clock: .now()))
            #expect(again(first, in: events(of: pid, .read, reading)).count == 23)
            #expect(!tracer.program.object.hooks.contains("tp_btf/block_io_start"))
            tracer.program.object.detach()
            var ledger = tracer.program.account().ledger
            ledger.inFlight = tracer.claim(last: true)
            #expect(ledger.runsAddUp && ledger.callsAddUp)
        }
    }
}
