import ArgumentParser
import Glibc
import Logging
import Model
import ServiceLifecycle
import Settings
import Store
import Tracers

/// The collector: owns the tracers, the readers and the database.
@main
struct CollectorCommand: AsyncParsableCommand {
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

    @Option(name: .customLong("run"), help: "The directory for the control socket.")
    var runDirectory: String?

    func run() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let logger = Logger(label: "collector")
        do {
            try await serve(logger)
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
    }

    private func serve(_ logger: Logger) async throws {
        let settings = try Settings.load(path: config)
        let path = database ?? settings.database.path
        let directory = runDirectory ?? Self.defaultRunDirectory(database: path)

        // Attach, give up what is not needed any more, and only then start threads.
        let tracers = Tracers(TracerOptions(settings))
        try Privileges.drop()
        for var status in tracers.statuses() {
            // Too early for a share: what was under way when the hooks came on is missing from the few runs so far.
            status.ledger = Ledger()
            logger.notice("\(status.name.rawValue): \(Components.tracer(status, uptime: 0).message)")
        }

        let writer = try Writer(path: path, configuration: WriterConfiguration(settings))
        let collector = Collector(tracers: tracers, writer: writer, settings: settings, logger: logger)
        let control = ControlSocket(path: "\(directory)/\(ControlRequest.socketName)", logger: logger) { request in
            await Self.answer(request, writer)
        }
        let reload = Reload(collector: collector, path: config)
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [collector, control, reload], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }

    /// `run` beside the database.
    private static func defaultRunDirectory(database: String) -> String {
        (database.lastIndex(of: "/").map { String(database[...$0]) } ?? "") + "run"
    }

    private static func answer(_ request: ControlRequest, _ writer: Writer) async -> ControlReply {
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
