import ArgumentParser
import Settings

/// The command line. A subcommand is a file of its own and is listed here.
@main struct Kernelsight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernelsight",
        abstract: "Looks at one Linux host from inside its kernel.",
        discussion: "Exit status: 0 done, 1 could not be done, 64 the command line is wrong.",
        subcommands: [
            Status.self, Why.self, SignalsCommand.self, SignalCommand.self, ProcessesCommand.self, Top.self,
            Predict.self,
            AgentCommands.self, Doctor.self, Config.self, Prune.self, Bench.self, FaultLabCommand.self,
            DemoDataCommand.self,
        ])
}

/// Where the data are: the database that the configuration names, unless the command line names another.
struct DatabaseOptions: ParsableArguments {
    @Option(help: "The configuration. Default: config.yaml here, if there is one.")
    var config: String?

    @Option(
        name: [.customLong("db"), .customLong("database")],
        help: "The database, instead of the one that the configuration names.")
    var database: String?

    /// The database's path.
    func path() throws -> String { try database ?? Settings.load(path: config).database.path }
}

/// What could not be done, and what helps.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
