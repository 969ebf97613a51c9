import ArgumentParser
import Benchmarks
import Foundation
import Glibc
import Model

/// Measurements of KernelSight on this machine, as ratios to what the same work costs otherwise.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures what KernelSight costs and how fast it is, on this machine.",
        discussion:
            "Works in a temporary directory and never touches live data. Build the release configuration first.",
        subcommands: [
            QueryBench.self, TracerBench.self, CollectorBench.self, InsertBench.self, CycleBench.self, OriginBench.self,
            UserBench.self, CompareBench.self, ReportBench.self,
        ])
}

/// How often and how long.
struct BenchOptions: ParsableArguments {
    @Option(help: "Rounds; the median counts.")
    var rounds = 5

    @Option(help: "Seconds per measurement.")
    var seconds = 3

    func validate() throws {
        guard (1...100).contains(rounds), (1...600).contains(seconds) else {
            throw ValidationError("--rounds: 1 to 100; --seconds: 1 to 600")
        }
    }

    /// Says on standard error where it is.
    static func progress(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}

/// The database that a benchmark makes for itself.
struct MadeDatabase: ParsableArguments {
    @Option(help: "Signals in the database that is made for it.")
    var signals = 1_000_000

    func validate() throws {
        guard (1...100_000_000).contains(signals) else { throw ValidationError("--signals: 1 to 100000000") }
    }

    /// Its path in a directory, with signals of the seconds before `end`.
    func make(in scratch: Scratch, span: Double, end: Timestamp = .now) async throws -> String {
        let path = scratch.path("bench.db")
        try await DemoData.fill(path: path, signals: signals, span: span, end: end, progress: BenchOptions.progress)
        return path
    }
}

struct QueryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql",
        abstract: "What counting, filtering and aggregating signals costs, by the number of signals.")

    @Option(help: "A database that is there, which is only read. Its signals count up to now.")
    var db: String?

    @OptionGroup var data: MadeDatabase
    @OptionGroup var output: BenchOutput

    func run() async throws {
        let scratch = try Scratch()
        let end = Timestamp.now
        let path =
            if let db { db } else { try await data.make(in: scratch, span: 30 * 86_400, end: end) }
        try output.show(try QueryCost.run(database: path, end: end, progress: BenchOptions.progress))
    }
}

struct TracerBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tracers", abstract: "What the tracers add to a system call and a context switch; needs bpftrace.")

    @OptionGroup var options: BenchOptions

    @OptionGroup var output: BenchOutput

    func run() throws {
        try output.show(
            try TracerCost.run(
                rounds: options.rounds, seconds: Double(options.seconds), progress: BenchOptions.progress))
    }
}

struct CollectorBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collector", abstract: "CPU time and memory of the collector on an idle host.")

    @Option(help: "Seconds to measure.")
    var seconds = 60

    @OptionGroup var output: BenchOutput

    func run() throws {
        try output.show(try CollectorCost.run(seconds: Double(seconds), progress: BenchOptions.progress))
    }
}

struct InsertBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "writes", abstract: "Signals per second into the store, against SQLite's C interface.")

    @OptionGroup var options: BenchOptions

    @Option(help: "Signals per round.")
    var signals = 200_000

    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard (1...10_000_000).contains(signals) else { throw ValidationError("--signals: 1 to 10000000") }
    }

    func run() throws {
        try output.show(
            try InsertRate.run(signals: signals, rounds: options.rounds, progress: BenchOptions.progress))
    }
}

struct CycleBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cycle", abstract: "What a decision of the agent costs, by phase, with a long history.")

    @Option(help: "Signals in the store.")
    var signals = 1_000_000

    @Option(help: "Cycles.")
    var cycles = 100

    func validate() throws {
        guard (1...30_000_000).contains(signals), (1...10_000).contains(cycles) else {
            throw ValidationError("--signals: 1 to 30000000; --cycles: 1 to 10000")
        }
    }

    @OptionGroup var output: BenchOutput

    func run() async throws {
        try output.show(
            try await CycleCost.run(signals: signals, cycles: cycles, progress: BenchOptions.progress))
    }
}

struct OriginBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "Requests per second and memory of an API worker; needs nginx, wrk and curl.")

    @OptionGroup var options: BenchOptions

    @OptionGroup var data: MadeDatabase
    @OptionGroup var output: BenchOutput

    func run() async throws {
        let scratch = try Scratch()
        let path = try await data.make(in: scratch, span: 86_400)
        try output.show(
            try OriginRate.run(
                database: path, rounds: options.rounds, seconds: options.seconds, progress: BenchOptions.progress))
    }
}

struct UserBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "users",
        abstract: "How long 1 to 500 users wait, through nginx and its cache; needs nginx, wrk and curl.")

    @OptionGroup var options: BenchOptions

    @OptionGroup var data: MadeDatabase
    @OptionGroup var output: BenchOutput

    func run() async throws {
        let scratch = try Scratch()
        let path = try await data.make(in: scratch, span: 86_400)
        try output.show(
            try UserLoad.run(
                database: path, rounds: options.rounds, seconds: options.seconds, progress: BenchOptions.progress))
    }
}
