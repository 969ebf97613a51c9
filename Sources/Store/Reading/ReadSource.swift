import GRDB
import Model

/// A database file that is only read.
///
/// The file is opened when it is first needed and again when another file has taken its name, so that a worker may start
/// before the collector and outlive the file.
final class ReadSource: Sendable {
    let path: String
    private let schema: Schema
    private let timeLimit: Duration
    private let slow: SlowQueries?
    private let pool: ConnectionPool

    init(path: String, schema: Schema, connections: Int, timeLimit: Duration, slow: SlowQueries?) {
        self.path = path
        self.schema = schema
        self.timeLimit = timeLimit
        self.slow = slow
        pool = ConnectionPool(places: max(1, connections))
    }

    /// Lends a connection to the file that has the name now, for one read transaction.
    func read<Result>(_ body: (ReadConnection, Database) throws -> Result) throws -> Result {
        guard let file = FileIdentity(path: path) else {
            pool.closeIdle()
            throw StoreError.missing(path: path)
        }
        let idle = try pool.borrow(until: Monotonic.now + timeLimit)
        var kept: ReadConnection?
        defer { pool.giveBack(kept) }
        do {
            let connection: ReadConnection
            if let idle, idle.file == file {
                connection = idle
            } else {
                idle?.close()
                connection = try ReadConnection(path: path, file: file, slow: slow)
            }
            do {
                let limit = Monotonic.now + timeLimit
                let result = try connection.read(path: path, schema, until: limit) { try body(connection, $0) }
                kept = connection
                return result
            } catch {
                let error = StoreError(error, path: path)
                // What is wrong with the file may be put right under the same name: look at it afresh next time.
                if error.isAboutQuery { kept = connection } else { connection.close() }
                throw error
            }
        } catch {
            throw StoreError(error, path: path)
        }
    }
}

extension StoreError {
    fileprivate var isAboutQuery: Bool {
        switch self {
        case .timedOut, .busy, .invalid: true
        default: false
        }
    }
}
