import FastCGI
import Glibc
import Model
import Store

/// Answers the HTTP API from one database. Safe to call from many threads at once.
public struct Service: Sendable {
    let reader: Reader
    /// Data that is further from now is stale: health says so with 503, other replies with `"stale": true`. Asked each
    /// time, for it may change while requests are answered.
    let staleAfterSeconds: @Sendable () -> Double
    let clock: @Sendable () -> Timestamp
    /// Health is asked often and never cached outside. The database changes once a second; a tenth of that adds no age.
    private let recentHealth = Recent<Reader.Health>(lifetime: .milliseconds(100))
    /// Where the database is; a disk that is full in tests.
    var diskSpace: @Sendable () -> DiskSpace?
    /// Who received the request that is being answered, for `/api/diagnostics`.
    var server: Server?

    /// Opens nothing: a database that is not there yet is an answer (503), not an error.
    ///
    /// `clock` is for tests.
    public init(
        reader: Reader, staleAfterSeconds: @escaping @Sendable () -> Double = { 10 },
        clock: @escaping @Sendable () -> Timestamp = Service.now
    ) {
        self.reader = reader
        self.staleAfterSeconds = staleAfterSeconds
        self.clock = clock
        diskSpace = { DiskSpace.besides(database: reader.path) }
    }

    /// Wall-clock time.
    public static let now: @Sendable () -> Timestamp = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The reply to any request; never fails. `server` is the one that received it.
    public func respond(to request: Request, on server: Server? = nil) -> Response {
        do {
            guard let endpoint = Route.find(request.path) else { throw Problem.noSuchPath(Route.paths) }
            guard request.method == "GET" || request.method == "HEAD" else {
                throw Problem.methodNotAllowed(request.method)
            }
            guard !request.bodyIsTooLarge else { throw Problem.bodyTooLarge() }
            var parameters = try Parameters(request.query)
            var service = self
            service.server = server
            let reply = try endpoint(service, &parameters)
            return reply.response(ifNoneMatch: request.parameter("HTTP_IF_NONE_MATCH"))
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

    /// Counts, freshness and components, at most 100 ms old; how old the data is, is computed from them each time.
    func currentHealth() throws -> Reader.Health { try recentHealth.value { try reader.health() } }

    func freshness(of time: Timestamp) -> Freshness { Freshness(of: time, at: clock(), limit: staleAfterSeconds()) }
}
