import ArgumentParser
import Control
import Glibc
import Model
import Store

struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Removes old signals.",
        discussion: "Asks the running collector, the database's only writer; when none runs, does it itself.")

    @Option(help: "The age from which signals go: 7d, 12h, 30m, 45s.")
    var olderThan: Age

    @OptionGroup var options: DatabaseOptions

    func run() throws {
        let path = try options.path()
        let cutoff = Timestamp(nanoseconds: (Int64(time(nil)) - olderThan.seconds) * 1_000_000_000)
        print("removed \(try Self.prune(path, before: cutoff)) signals")
    }

    /// Removes closed signals that opened before `cutoff`; returns how many.
    static func prune(_ database: String, before cutoff: Timestamp) throws -> Int {
        switch try ControlRequest.prune(before: cutoff).ask(at: socket(besides: database), timeout: 300) {
        case .pruned(let signals): return signals
        case .failed(let reason): throw Failure("the collector could not prune: \(reason)")
        case nil: break
        }
        // A writer would create what is not there.
        guard access(database, F_OK) == 0 else { throw StoreError.missing(path: database) }
        return try Writer.prune(database, olderThan: cutoff)
    }

    /// The control socket of the collector that writes this database.
    static func socket(besides database: String) -> String {
        "\(DataDirectory.of(database))/run/\(ControlRequest.socketName)"
    }
}
