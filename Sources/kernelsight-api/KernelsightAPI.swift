import API
import ArgumentParser
import CLinux
import FastCGI
import Glibc
import Logging
import Settings
import Store

@main
struct KernelsightAPI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernelsight-api",
        abstract: "Serves the KernelSight API over FastCGI, from a database that it only reads.",
        discussion: """
            Starts without a database and answers 503 until there is one. SIGTERM and SIGINT let requests in progress \
            finish, then it ends. SIGHUP reads the configuration again.
            """)

    @Option(help: "The unix socket to listen on. A stale file is replaced.")
    var socket: String

    @Option(help: "The database; overrides database.path.")
    var database: String?

    @Option(help: "The configuration file.")
    var config: String?

    @Option(help: "Threads, each for one connection of the web server; overrides api.threads.")
    var threads: Int?

    @Option(help: "Mode of the socket's file, octal. Who may connect needs write permission.", transform: octal)
    var socketMode: UInt32 = 0o660

    @Option(help: "Group of the socket's file, by name, so that the web server's user can connect.")
    var socketGroup: String?

    @Flag(help: "Asks the database for health each time instead of ten times a second at most; for measurements.")
    var afresh = false

    /// What opening connections and rare requests touched goes back this often. It costs the requests after it about a
    /// millisecond together.
    private static let requestsBetweenReleases = 10_000

    static func main() {
        // A SIGHUP that comes while the worker starts would end it; so it waits for `Server.run`.
        var hangup = sigset_t()
        sigemptyset(&hangup)
        sigaddset(&hangup, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &hangup, nil)
        main(nil)
    }

    func validate() throws {
        if let threads, !(1...512).contains(threads) { throw ValidationError("--threads: 1 to 512 are allowed.") }
    }

    func run() throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let log = Logger(label: "kernelsight-api")
        do {
            let settings = try settings()
            let path = settings.database.path
            let count = settings.api.threads
            let live = LiveSettings(settings)
            let slow = SlowLog(log: log, live: live)
            let service = Service(
                reader: Reader(
                    path: path, connections: settings.advanced.databaseConnectionPoolSize, slow: slow.queries),
                healthLifetime: afresh ? .zero : .milliseconds(100),
                staleAfterSeconds: { live.freshnessLimitSeconds }, thresholds: { live.thresholds })
            let server = try Server(
                path: socket, mode: socketMode, group: socketGroup.map(groupID), threads: count
            ) { request, server in
                if server.statistics.requests.isMultiple(of: Self.requestsBetweenReleases) {
                    clinux_release_idle_memory()
                }
                return slow.watch(request) { service.respond(to: request, on: server) }
            }
            log.info("serving", metadata: ["socket": "\(socket)", "database": "\(path)", "threads": "\(count)"])
            clinux_release_idle_memory()
            try server.run { reload(into: live, started: settings, log) }
            log.info("stopped", metadata: ["requests": "\(server.statistics.requests)"])
        } catch let error where error is SettingsErrors || error is ListenError {
            // These say what to do; ArgumentParser would add its usage to them.
            log.critical("\(error)")
            throw ExitCode.failure
        }
    }

    /// Takes over what can change while requests are answered, and names what cannot. A bad file changes nothing.
    private func reload(into live: LiveSettings, started: Settings, _ log: Logger) {
        do throws(SettingsErrors) {
            let settings = try settings()
            live.apply(settings)
            let later = settings.needsRestart(of: .worker, startedWith: started)
            if later.isEmpty {
                log.notice("configuration read again")
            } else {
                log.warning("configuration read again; needs a restart: \(later.joined(separator: ", "))")
            }
        } catch {
            log.error("configuration refused, the old one stays in force: \(error)")
        }
    }

    /// The configuration, with what the command line says in its place.
    private func settings() throws(SettingsErrors) -> Settings {
        var settings = try Settings.load(path: config)
        if let database { settings.database.path = database }
        if let threads { settings.api.threads = threads }
        return settings
    }
}

@Sendable private func octal(_ text: String) throws -> UInt32 {
    guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
        throw ValidationError("\(text): an octal mode such as 660 is needed.")
    }
    return mode
}

private func groupID(_ name: String) throws -> UInt32 {
    guard let group = getgrnam(name) else {
        throw ValidationError("--socket-group \(name): there is no such group.")
    }
    return group.pointee.gr_gid
}
