import GRDB
import Model

/// Answers from the collector's database, read-only, from any thread. All methods throw `StoreError`.
public final class Reader: Sendable {
    private let source: ReadSource
    /// How many answer at the same time.
    public let connections: Int
    /// Who is told of statements that take long.
    public let slow: SlowQueries?

    /// Opens nothing yet. `connections` answer at the same time; whoever comes then waits. `timeLimit` bounds the wait and
    /// the query, each.
    public init(
        path: String, connections: Int = 5, timeLimit: Duration = .seconds(1), slow: SlowQueries? = nil
    ) {
        self.connections = connections
        self.slow = slow
        source = ReadSource(path: path, schema: .signals, connections: connections, timeLimit: timeLimit, slow: slow)
    }

    public var path: String { source.path }

    func read<Result>(_ body: (ReadConnection, Database) throws -> Result) throws -> Result { try source.read(body) }
}
