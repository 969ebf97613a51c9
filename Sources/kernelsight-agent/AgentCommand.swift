import Agent
import ArgumentParser
import CLinux
import Control
import Glibc
import Logging
import Model
import ServiceLifecycle
import Settings
import Store

/// The agent: reads what the collector writes, decides, and, where it may, acts.
@main
struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernelsight-agent",
        abstract: "Decides what to do about signals; does it where agent.mode lets it.",
        discussion: """
            In mode observe it changes nothing. SIGHUP reads the configuration again; SIGTERM takes back what stands, unless \
            agent.undo_on_stop says otherwise, and stops.
            """)

    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: "The collector's database; goes before database.path of the configuration.")
    var database: String?

    static func main() {
        // Until there is somebody to read the configuration again, a SIGHUP would end the process.
        signal(SIGHUP, SIG_IGN)
        main(nil)
    }

    func run() throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let logger = Logger(label: "agent")
        do {
            try start(logger)
        } catch {
            logger.critical("\(error)")
            throw ExitCode.failure
        }
        // The rest happens on other threads, which end the process.
        while true { pause() }
    }

    /// Gives up what is not needed and only then starts threads: capabilities belong to threads, and new ones inherit.
    private func start(_ logger: Logger) throws {
        let (config, database) = (config, database)
        let load: @Sendable () throws(SettingsErrors) -> Settings = { () throws(SettingsErrors) in
            var settings = try Settings.load(path: config)
            if let database { settings.database.path = database }
            return settings
        }
        let settings = try load()
        try DataDirectory.make("\(DataDirectory.of(settings.database.path))/run")
        let records = AgentReader(path: AgentReader.path(besides: settings.database.path), connections: 1)
        let wanted = ActionKind.capabilities(
            for: settings.agent.enabled, in: settings.agent.mode, left: try Agent.left(in: records))
        guard clinux_keep_capabilities(wanted) == 0 else {
            throw StartFailure("cannot give up capabilities: \(String(cString: strerror(errno)))")
        }
        Task {
            do {
                try await Self.serve(settings, logger, load)
                Glibc.exit(EXIT_SUCCESS)
            } catch {
                logger.critical("\(error)")
                Glibc.exit(EXIT_FAILURE)
            }
        }
    }

    private static func serve(
        _ settings: Settings, _ logger: Logger,
        _ load: @escaping @Sendable () throws(SettingsErrors) -> Settings
    ) async throws {
        let path = settings.database.path
        let own = AgentReader.path(besides: path)
        let journal = try AgentJournal(path: own, digest: Audit.digest)
        let agent = Agent(
            Agent.Configuration(settings), reader: Reader(path: path, connections: 1), journal: journal,
            records: AgentReader(path: own, connections: 1))
        let pace = Pace(
            agent: agent, reader: Reader(path: path, connections: 1), started: settings, load: load, logger: logger)
        // Whoever may enter the directory may ask: workers pass on what a person says, and the token with it.
        let door = Door(tokenFile: "\(DataDirectory.of(path))/agent-token")
        let control = ControlSocket(path: AgentRequest.socket(besides: path), mode: 0o666) { line, uid in
            guard let message = AgentMessage(line: line) else {
                return AgentReply.failed("not a request; known: approve ID, reject ID, do SIGNAL ACTION, undo").line
            }
            let reply: AgentReply
            if let refusal = door.refusal(message, from: uid) {
                reply = .denied(refusal)
            } else {
                reply = await answer(message.request, agent)
            }
            logger.notice(
                "request", metadata: ["request": "\(message.request)", "uid": "\(uid)", "reply": "\(reply.line)"])
            return reply.line
        }
        // Before anybody can ask for something.
        try await agent.recover()
        try await agent.beat()
        logger.notice("mode \(settings.agent.mode.rawValue), \(own)")
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [control, pace], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }

    private static func answer(_ request: AgentRequest, _ agent: Agent) async -> AgentReply {
        do {
            switch request {
            case .approve(let id): return .done(try await agent.approve(id))
            case .reject(let id):
                try await agent.reject(id)
                return .done("rejected")
            case .order(let order): return .done(try await agent.perform(order))
            case .undo: return .done("\(try await agent.undoAll()) taken back")
            }
        } catch {
            return .failed("\(error)")
        }
    }
}
