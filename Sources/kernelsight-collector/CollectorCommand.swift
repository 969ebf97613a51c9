import ArgumentParser
import Control
import Glibc
import Logging
import Model
import ServiceLifecycle
import Settings
import Store
import Tracers

/// The collector: owns the tracers, the readers and the database.
@main
struct CollectorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernelsight-collector",
        abstract: "Measures this host and writes what it finds to the database.",
        discussion: """
            Loads the eBPF tracers it is allowed to and reads /proc; without privileges it runs on /proc alone. \
            SIGHUP reads the configuration again; SIGTERM stops.
            """)

    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: "The database; goes before database.path of the configuration.")
    var database: String?

    @Option(
        name: .customLong("run"), help: "The directory for the control socket; run/ beside the database by default.")
    var runDirectory: String?

    static func main() {
        // Until there is somebody to read the configuration again, a SIGHUP would end the process.
        signal(SIGHUP, SIG_IGN)
        main(nil)
    }

    func run() throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let logger = Logger(label: "collector")
        do {
            try start(logger)
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
        // The rest happens on other threads, which end the process.
        while true { pause() }
    }

    /// Attaches, gives up what is not needed any more, and only then starts threads: capabilities belong to threads, and
    /// new ones inherit. So this must not be `async`: that would be a second thread already.
    private func start(_ logger: Logger) throws {
        let (config, database) = (config, database)
        let load: @Sendable () throws(SettingsErrors) -> Settings = { () throws(SettingsErrors) in
            var settings = try Settings.load(path: config)
            if let database { settings.database.path = database }
            return settings
        }
        let settings = try load()
        let path = settings.database.path
        let directory = runDirectory ?? "\(DataDirectory.of(path))/run"
        try DataDirectory.make(DataDirectory.of(path))
        try DataDirectory.make(directory)

        let tracers = Tracers(TracerOptions(settings))
        try Privileges.drop()
        for status in tracers.statuses() {
            logger.notice("\(status.name.rawValue): \(Components.tracer(status, RecentLosses(), uptime: 0).message)")
        }

        // unsafe because the compiler does not see that this thread does not use them any more.
        nonisolated(unsafe) let handed = tracers
        Task {
            do {
                try await Self.serve(handed, settings, run: directory, logger, load)
                Glibc.exit(EXIT_SUCCESS)
            } catch {
                logger.critical("\(error)")
                Glibc.exit(EXIT_FAILURE)
            }
        }
    }

    private static func serve(
        _ tracers: sending Tracers, _ settings: Settings, run directory: String, _ logger: Logger,
        _ load: @escaping @Sendable () throws(SettingsErrors) -> Settings
    ) async throws {
        let writer = try Writer(path: settings.database.path, configuration: WriterConfiguration(settings))
        let collector = Collector(tracers: tracers, writer: writer, settings: settings, logger: logger)
        let control = ControlSocket(path: "\(directory)/\(ControlRequest.socketName)") { line, _ in
            let reply = await answer(line, writer)
            logger.info("control request", metadata: ["request": "\(line)", "reply": "\(reply.line)"])
            return reply.line
        }
        let reload = Reload(collector: collector, load: load)
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [collector, control, reload], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }

    private static func answer(_ line: String, _ writer: Writer) async -> ControlReply {
        guard let request = ControlRequest(line: line) else {
            return .failed("not a request: \(line.prefix(80)); known: prune NANOSECONDS")
        }
        switch request {
        case .prune(let time):
            do {
                return .pruned(signals: try await writer.prune(olderThan: time))
            } catch {
                return .failed("\(error)")
            }
        }
    }
}
