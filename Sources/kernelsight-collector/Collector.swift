import CLinux
import Detection
import Glibc
import Logging
import Model
import Readers
import ServiceLifecycle
import Settings
import Store
import Tracers

/// The loop: measure, detect, hand over to the writer, once a second. Nothing in it waits for the disk.
actor Collector: Service {
    private let tracers: Tracers
    private let writer: Writer
    private let logger: Logger
    private let startedWith: Settings
    /// What the file said last.
    private var settings: Settings
    private var measurement: Measurement
    private var detector: Detector
    private var schedule: TickSchedule
    private var cost = SelfCost()
    private var loads = TracerLoads()
    private var governor: Governor
    /// What it did since the last tick, and in this run.
    private var newSteps: [(time: Timestamp, step: CoverageStep)] = []
    private var steps: [(time: Timestamp, step: CoverageStep)] = []
    /// CPU time in a second of what all tracers share in the kernel.
    private var exits = 0.0
    private var writerLog = WriterLog()
    private var losses: [TracerName: RecentLosses] = [:]
    private var exitLosses = RecentLosses()
    /// How the readers did in the last tick.
    private var readers: [ReaderTiming] = []
    private let started = MonotonicClock.now()
    private var stored: StoredBaselines
    /// What was wrong with the file at the last SIGHUP.
    private var refusedConfiguration: String?

    init(tracers: Tracers, writer: Writer, settings: Settings, logger: Logger) {
        self.tracers = tracers
        self.writer = writer
        self.logger = logger
        startedWith = settings
        self.settings = settings
        measurement = Measurement(
            tracers: tracers, readers: HostReader(closeWait: Int(settings.thresholds.closeWait.low)))
        detector = Detector(
            thresholds: settings.thresholds, hysteresis: settings.hysteresis, resuming: writer.openEpisodes(),
            nextID: writer.nextEpisodeID, own: SelfCost.identity,
            baselines: StoredBaselines.decode(writer.baselines, logger: logger))
        governor = Governor(budget: Self.budget(settings), host: Self.host)
        schedule = TickSchedule(start: started)
        stored = StoredBaselines(now: started)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await self.loop()
        }
        stop()
    }

    /// Stores what the hooks have left to tell, and rows that say that nothing runs any more.
    private func stop() {
        tracers.detach()
        let rest = tracers.read()
        writer.submit(
            TickRecord(
                time: .now,
                events: TickRecord.Events(rest.syscalls, rest.scheduler, rest.pageFaults, rest.blockIO),
                baselines: StoredBaselines.encode(detector.baselines, logger: logger), steps: newSteps))
        // The ledgers' last rows say how many events were stored, so that must be known first. Where it fails, closing
        // tries once more and counts what is lost.
        try? writer.flush()
        writer.submit(TickRecord(time: .now, components: components(tracers.statuses()).map(Components.last)))
        writer.close()
        logWriter(writer.status)
        tracers.close()
    }

    /// Nanoseconds between releases of memory that stands idle.
    private static let release: UInt64 = 60_000_000_000

    private func loop() async {
        var nextRelease = MonotonicClock.now()
        while !Task.isCancelled {
            let due = schedule.next(after: MonotonicClock.now())
            let now = MonotonicClock.now()
            if due > now { try? await Task.sleep(for: .nanoseconds(due - now)) }
            if !Task.isCancelled {
                tick()
                await probe()
                // What starting and rare work touched; it costs the ticks after it some hundred page faults.
                if now >= nextRelease {
                    nextRelease = now + Self.release
                    clinux_release_idle_memory()
                }
            }
        }
    }

    private func tick() {
        let start = MonotonicClock.now()
        let tick = measurement.take()
        let episodes = detector.step(tick.whole)
        for episode in episodes where episode.occurrences == 1 || episode.state == .closed { log(episode) }
        readers = tick.host.readers
        cost.measure(monotonic: Double(start) / 1e9)
        let statuses = tracers.statuses()
        govern(statuses, seconds: tick.interval, at: start)
        logWriter(writer.status)
        let components = components(statuses)
        writer.submit(
            TickRecord(
                time: tick.time, samples: tick.metricSamples, histograms: tick.histogramSamples, episodes: episodes,
                events: TickRecord.Events(tick.syscalls, tick.scheduler, tick.pageFaults, tick.blockIO),
                processes: ProcessActivity.top(12, of: tick.processes, interval: tick.interval),
                components: components,
                baselines: stored.take(detector.baselines, now: start, logger: logger), steps: newSteps,
                completeness: Components.completeness(statuses, losses)))
        newSteps = []
        cost.tickMicroseconds = Double(MonotonicClock.now() - start) / 1000
    }

    private func log(_ episode: Episode) {
        logger.notice(
            "\(episode.state == .closed ? "closed" : "opened")",
            metadata: [
                "id": "\(episode.id)", "type": "\(episode.key.type.rawValue)",
                "severity": "\(episode.peak.severity.name)",
                "summary": "\(episode.finding.message.summary)",
            ])
    }

    private func logWriter(_ status: WriterStatus) {
        for line in writerLog.look(at: status) { logger.log(level: line.level, "\(line.text)") }
    }

    /// CPU time of all cores in a second, and what the whole may take of it.
    private static let host = Double(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    private static func budget(_ settings: Settings) -> Double { settings.overhead.budgetPercent / 100 * host }

    /// CPU time in a second of this process, and of what it has in the kernel for all tracers.
    private var own: Double { (cost.cpuPercent ?? 0) / 100 + exits }

    private func govern(_ statuses: [TracerStatus], seconds: Double, at now: UInt64) {
        exits = loads.exits(tracers.processesStatus().cost, seconds: seconds)
        let loads = loads.take(statuses, seconds: seconds)
        guard cost.cpuPercent != nil else { return }
        for step in governor.step(own: own, loads: loads, at: Double(now) / 1e9) { take(step) }
    }

    /// Lets tracers that are off look for a moment, so that they come back when there is room.
    private func probe() async {
        for name in governor.toProbe(at: Double(MonotonicClock.now()) / 1e9) {
            do {
                try tracers.set(name.least, of: name)
                let (start, before) = (MonotonicClock.now(), tracers.runs(of: name))
                // Where the collector is to stop this ends at once, and says nothing.
                try? await Task.sleep(for: .milliseconds(20))
                let (runs, now) = (tracers.runs(of: name) - before, MonotonicClock.now())
                try tracers.set(.off, of: name)
                guard !Task.isCancelled else { return }
                let step = governor.probed(
                    name, runsPerSecond: Double(runs) * 1e9 / Double(now - start), own: own, at: Double(now) / 1e9)
                if let step { take(step) }
            } catch {
                logger.error("\(name.rawValue) cannot come back: \(error)")
            }
        }
    }

    private func take(_ step: CoverageStep) {
        do {
            try tracers.set(step.to, of: step.tracer)
        } catch {
            logger.error("\(step.tracer.rawValue) cannot become \(step.to.rawValue): \(error)")
            return
        }
        logger.notice(
            "overhead",
            metadata: [
                "tracer": "\(step.tracer.rawValue)", "from": "\(step.from.rawValue)", "to": "\(step.to.rawValue)",
                "reason": "\(step.reason)",
            ])
        newSteps.append((.now, step))
        steps = (steps + newSteps.suffix(1)).suffix(20)
    }

    private func components(_ statuses: [TracerStatus]) -> [ComponentState] {
        let uptime = Double(MonotonicClock.now() - started) / 1e9
        let store = writer.status
        var states = statuses.map { status in
            var status = status
            let source = EventSource(status.name)
            status.ledger.stored = store.stored.events[source] ?? 0
            status.ledger.droppedInUserSpace += store.dropped.events[source] ?? 0
            losses[status.name, default: RecentLosses()].add(status.ledger)
            return Components.tracer(status, losses[status.name] ?? RecentLosses(), uptime: uptime)
        }
        let processes = tracers.processesStatus()
        exitLosses.add(processes.ledger)
        states.append(Components.processes(processes, exitLosses, uptime: uptime))
        if !readers.isEmpty { states.append(Components.readers(readers)) }
        states.append(
            Components.detection(open: detector.open, blindness: detector.blindness, refused: detector.refused))
        states.append(Components.governor(governor, own: own, steps))
        states.append(Components.writer(store))
        states.append(Components.retention(settings.retention, store))
        states.append(
            Components.collector(
                cost, missedTicks: schedule.missed, refused: refusedConfiguration,
                waiting: settings.needsRestart(of: .collector, startedWith: startedWith)))
        return states
    }

    /// Takes over what can change while everything runs, and names the rest.
    func apply(_ settings: Settings) {
        refusedConfiguration = nil
        self.settings = settings
        writer.apply(WriterConfiguration(settings))
        detector.thresholds = settings.thresholds
        detector.hysteresis = settings.hysteresis
        governor.budget = Self.budget(settings)
        for name in TracerName.allCases {
            tracers.setEventsPerSecond(settings.tracers[name].eventsPerSecond, of: name)
        }
        let later = settings.needsRestart(of: .collector, startedWith: startedWith)
        if later.isEmpty {
            logger.notice("configuration read again")
        } else {
            logger.warning("configuration read again; needs a restart: \(later.joined(separator: ", "))")
        }
    }

    /// Keeps the old configuration and says so.
    func refuse(_ reason: String) {
        refusedConfiguration = reason
        logger.error("configuration refused, the old one stays in force: \(reason)")
    }
}

extension TickRecord.Events {
    /// What the tracers sent in a tick.
    fileprivate init(
        _ syscalls: SyscallReading?, _ scheduler: SchedulerReading?, _ pageFaults: PageFaultReading?,
        _ blockIO: BlockIOReading?
    ) {
        self.init(
            syscalls: syscalls?.events ?? [], scheduler: scheduler?.events ?? [], pageFaults: pageFaults?.events ?? [],
            blockIO: blockIO?.events ?? [])
    }
}

extension EventSource {
    /// Where a tracer's events are stored.
    fileprivate init(_ tracer: TracerName) {
        switch tracer {
        case .syscall: self = .syscalls
        case .scheduler: self = .scheduler
        case .pageFault: self = .pageFaults
        case .blockIO: self = .blockIO
        }
    }
}
