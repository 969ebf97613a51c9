import FastCGI
import Glibc
import Model
import Store

/// Answers the HTTP API from one database. Safe to call from many threads at once.
public struct Service: Sendable {
    let reader: Reader
    /// What the agent has written, beside the database.
    let agent: AgentReader
    /// Data that is further from now is stale: health says so with 503, other replies with `"stale": true`. Asked each
    /// time, for it may change while requests are answered.
    let staleAfterSeconds: @Sendable () -> Double
    /// What predictions are held against. Asked each time, too.
    let thresholdsInForce: @Sendable () -> Thresholds
    let clock: @Sendable () -> Timestamp
    /// Health is asked often and never cached outside. The database changes once a second; a tenth of that adds no age.
    private let recentHealth: Recent<Reader.Health>
    /// What the workers say of themselves changes once a second.
    let recentPool = Recent<(servers: [(name: String, Server.Statistics)], isKnown: Bool)>(lifetime: .seconds(1))
    /// Where the database is; a disk that is full in tests.
    var diskSpace: @Sendable () -> DiskSpace?
    /// Who received the request that is being answered, for `/api/diagnostics`.
    var server: Server?
    /// What the request says of the forms that it takes.
    var accept: String?

    /// Opens nothing: a database that is not there yet is an answer (503), not an error.
    ///
    /// `clock` is for tests, another `healthLifetime` for measurements.
    public init(
        reader: Reader, healthLifetime: Duration = .milliseconds(100),
        staleAfterSeconds: @escaping @Sendable () -> Double = { 10 },
        thresholds: @escaping @Sendable () -> Thresholds = { Thresholds() },
        clock: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.reader = reader
        recentHealth = Recent(lifetime: healthLifetime)
        // As many as ask the collector's: with fewer, requests that ask both would wait for each other.
        agent = AgentReader(
            path: AgentReader.path(besides: reader.path), connections: reader.connections, slow: reader.slow)
        self.staleAfterSeconds = staleAfterSeconds
        thresholdsInForce = thresholds
        self.clock = clock
        diskSpace = { DiskSpace.besides(database: reader.path) }
    }

    /// The reply to any request; never fails. `server` is the one that received it.
    public func respond(to request: Request, on server: Server? = nil) -> Response {
        do {
            return try reply(to: request, on: server)
                .response(ifNoneMatch: request.parameter("HTTP_IF_NONE_MATCH"))
        } catch let problem as Problem {
            return problem.response(path: request.path)
        } catch let error as StoreError {
            return Problem(error).response(path: request.path)
        } catch {
            let detail = "The reply could not be made: \(error)."
            return Problem(status: 500, code: "internal", title: "Something is wrong inside", detail: detail)
                .response(path: request.path)
        }
    }

    private func reply(to request: Request, on server: Server?) throws -> Reply {
        if request.method == "OPTIONS", let allowed = Route.methods(request.path) { return .options(allowed) }
        if let action = Route.action(request.path) {
            guard request.method == "POST" else {
                throw Problem.methodNotAllowed(request.method, allowed: "POST, OPTIONS")
            }
            guard !request.bodyIsTooLarge else { throw Problem.bodyTooLarge() }
            var parameters = try Parameters(request.query)
            try parameters.finish()
            return try action(self, request)
        }
        guard let endpoint = Route.find(request.path) else {
            throw Problem.noSuchPath(Route.paths + Route.actionPaths.map { "POST \($0)" })
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            throw Problem.methodNotAllowed(request.method, allowed: "GET, HEAD, OPTIONS")
        }
        guard !request.bodyIsTooLarge else { throw Problem.bodyTooLarge() }
        var parameters = try Parameters(request.query)
        var service = self
        service.server = server
        service.accept = request.parameter("HTTP_ACCEPT")
        return try endpoint(service, &parameters)
    }

    /// Counts, freshness and components, at most 100 ms old; how old the data is, is computed from them each time.
    func currentHealth() throws -> Reader.Health { try recentHealth.value { try reader.health() } }

    func freshness(of time: Timestamp) -> Freshness { Freshness(of: time, at: clock(), limit: staleAfterSeconds()) }
}
