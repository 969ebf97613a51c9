import ArgumentParser
import Benchmarks
import Glibc
import Model

/// `kernelsight demo-data`: a database for tests and demonstrations.
struct DemoDataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-data", abstract: "Makes a database full of signals.",
        discussion: """
            Signals as the rules write them, made up, evenly spread up to now; the same each time. Never adds to a database that \
            is there: measurements are not to be mixed with what nobody measured.
            """)

    @Argument(help: "The database to make.")
    var path: String

    @Option(help: "How many signals.")
    var signals = 1_000_000

    @Option(help: "Over how long: 30d (default), 12h.")
    var span: Age?

    func validate() throws {
        guard (1...100_000_000).contains(signals) else { throw ValidationError("--signals: 1 to 100000000") }
    }

    func run() async throws {
        guard access(path, F_OK) != 0 else {
            throw Failure("\(path) is there already: name another, or remove it if it is not needed")
        }
        try await DemoData.fill(
            path: path, signals: signals, span: Double(span?.seconds ?? 30 * 86_400), end: .now,
            progress: BenchOptions.progress)
    }
}
