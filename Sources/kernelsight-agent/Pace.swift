import Agent
import CLinux
import Logging
import Model
import ServiceLifecycle
import Settings
import Store
import UnixSignals

/// Starts cycles: on the interval, and at once when a signal has become high or critical.
struct Pace: Service {
    let agent: Agent
    let reader: Reader
    /// What it was started with.
    let started: Settings
    let load: @Sendable () throws(SettingsErrors) -> Settings
    let logger: Logger

    /// How often the store is asked for new signals; it is written once a second.
    private static let look = Duration.milliseconds(250)
    /// Until the store is asked again that could not be read, or the journal that could not be written.
    private static let patience = Duration.seconds(2)
    /// How often the agent says that it lives.
    private static let beat = Duration.seconds(2)
    /// How often what starting and rare cycles touched goes back: code of 20 MB, most of which is not needed again.
    private static let release = Duration.seconds(60)

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await reload() }
            group.addTask { await cancelWhenGracefulShutdown { await turn() } }
            await group.next()
            group.cancelAll()
        }
        try await agent.stop()
    }

    private func turn() async {
        var next = ContinuousClock.now
        var nextBeat = ContinuousClock.now
        var nextRelease = ContinuousClock.now
        var known: Set<Int64> = []
        var complaint = ""
        while !Task.isCancelled {
            do {
                let urgent = try urgentSignals()
                let isNew = !urgent.isSubset(of: known)
                if isNew || ContinuousClock.now >= next {
                    next = .now + .seconds(await agent.configuration.interval)
                    // While an action of a person's settles there is no cycle: what is urgent goes on being so.
                    if try await agent.cycle(cause: isNew ? "a signal became high" : "interval") { known = urgent }
                } else {
                    known = urgent
                }
                if ContinuousClock.now >= nextBeat {
                    nextBeat = .now + Self.beat
                    try await agent.beat()
                }
                if ContinuousClock.now >= nextRelease {
                    nextRelease = .now + Self.release
                    clinux_release_idle_memory()
                }
                complaint = ""
            } catch {
                // Once: a collector that is not there yet is no reason to fill the log.
                if complaint != "\(error)" { logger.warning("\(error)") }
                complaint = "\(error)"
                try? await Task.sleep(for: Self.patience)
            }
            try? await Task.sleep(for: Self.look)
        }
    }

    /// The open signals that cannot wait for the interval.
    private func urgentSignals() throws -> Set<Int64> {
        var query = SignalQuery()
        query.state = .open
        query.minimumSeverity = .high
        query.limit = 100
        return Set(try reader.signals(query).signals.filter { $0.current.severity >= .high }.map(\.id))
    }

    private func reload() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do throws(SettingsErrors) {
                var settings = try load()
                let later = settings.needsRestart(of: .agent, startedWith: started)
                // The rights for another mode or other actions were given up.
                settings.agent.mode = started.agent.mode
                settings.agent.enabled = started.agent.enabled
                await agent.configure(Agent.Configuration(settings))
                if later.isEmpty {
                    logger.notice("configuration read again")
                } else {
                    logger.warning("configuration read again; needs a restart: \(later.joined(separator: ", "))")
                }
            } catch {
                logger.error("configuration refused, the old one stays in force: \(error)")
            }
        }
    }
}
