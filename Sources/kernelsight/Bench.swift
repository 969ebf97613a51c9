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
            AllBench.self, QueryBench.self, HistoryBench.self, TracerBench.self, CollectorBench.self, InsertBench.self,
            RetentionBench.self,
            CycleBench.self,
            OriginBench.self, EndpointBench.self, FlatBench.self, UserBench.self, ViewerBench.self, MemoryBench.self,
            CompareBench.self, ReportBench.self,
        ])
}

/// How often and how long.
struct BenchOptions: ParsableArguments {
    @Option(help: "Rounds; the median counts.")
    var rounds = 5

    @Option(help: "Seconds per measurement.")
    var seconds = 3

    func validate() throws {
        guard (1...100).contains(rounds), (1...60).contains(seconds) else {
            throw ValidationError("--rounds: 1 to 100; --seconds: 1 to 60")
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

    /// The same with what a collector and an agent leave behind, for those who ask the API.
    func makeLivedIn(in scratch: Scratch, span: Double) async throws -> String {
        let path = try await make(in: scratch, span: span)
        try LivedIn.live(in: [path], progress: BenchOptions.progress)
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

struct HistoryBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "What signals of an hour, a day, a week and a month take, on disk and to be asked for.")

    @OptionGroup var output: BenchOutput

    func run() async throws { try output.show(try await HistorySize.run(progress: BenchOptions.progress)) }
}

/// One after the other, with the defaults.
struct AllBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all", abstract: "All of them but flat and memory, which take long; needs what they need.",
        discussion: "What one could not measure is said at the end, and the exit status is 1.")

    private static let names = [
        "sql", "history", "writes", "retention", "cycle", "api", "endpoints", "users", "viewers", "collector",
        "tracers",
    ]

    @OptionGroup var output: BenchOutput

    func run() async throws {
        var failures: [String] = []
        for name in Self.names {
            BenchOptions.progress("== \(name)")
            do {
                let arguments = [name] + (output.output.map { ["--output", $0] } ?? [])
                var command = try Bench.parseAsRoot(arguments)
                if var waiting = command as? any AsyncParsableCommand {
                    try await waiting.run()
                } else {
                    try command.run()
                }
            } catch {
                failures.append("\(name): \(error)")
            }
        }
        guard failures.isEmpty else { throw Failure(failures.joined(separator: "\n")) }
    }
}

struct TracerBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tracers",
        abstract:
            "What the tracers add to a system call and a context switch, and what each costs under its load; needs bpftrace and fio."
    )

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
        commandName: "collector",
        abstract: "What the collector costs on an idle host, on a busy one, and in a storm.")

    @Option(help: "Seconds to measure each.")
    var seconds = 60

    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard (10...3600).contains(seconds) else { throw ValidationError("--seconds: 10 to 3600") }
    }

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
        let path = try await data.makeLivedIn(in: scratch, span: 86_400)
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
        let path = try await data.makeLivedIn(in: scratch, span: 86_400)
        try output.show(
            try UserLoad.run(
                database: path, rounds: options.rounds, seconds: options.seconds, progress: BenchOptions.progress))
    }
}

struct ViewerBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "viewers",
        abstract:
            "What 50 and 500 viewers of the dashboard wait for and cost, and how soon it shows something; needs root, nginx, curl, chromium."
    )

    @Option(help: "Seconds that viewers look, each time.")
    var seconds = 20

    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard (1...600).contains(seconds) else { throw ValidationError("--seconds: 1 to 600") }
    }

    func run() throws { try output.show(try ViewerLoad.run(seconds: seconds, progress: BenchOptions.progress)) }
}

struct EndpointBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoints",
        abstract: "What each endpoint takes for 1 to 500 clients, cache off and on; needs nginx, wrk and curl.")

    @Option(help: "Seconds per measurement.")
    var seconds = 3

    @OptionGroup var data: MadeDatabase
    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard (1...20).contains(seconds) else { throw ValidationError("--seconds: 1 to 20") }
    }

    func run() async throws {
        let scratch = try Scratch()
        let path = try await data.makeLivedIn(in: scratch, span: 86_400)
        try output.show(try EndpointTable.run(database: path, seconds: seconds, progress: BenchOptions.progress))
    }
}

struct FlatBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flat",
        abstract: "Whether answers take longer with a longer history; needs nginx, wrk and curl.",
        discussion: "Makes both databases in its temporary directory: 30 million signals take some 8 GB.")

    @OptionGroup var options: BenchOptions

    @Option(help: "Signals in the short history, over 30 days.")
    var few = 1_000_000

    @Option(help: "Signals in the long one, over the same time.")
    var many = 30_000_000

    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard few > 0, many > few, many <= 100_000_000 else {
            throw ValidationError("--few and --many: from 1 to 100000000, the second more than the first")
        }
    }

    func run() async throws {
        // An agent's database stands beside each.
        let scratch = (short: try Scratch(), long: try Scratch())
        let (end, span) = (Timestamp.now, 30 * 86_400.0)
        let (short, long) = (scratch.short.path("bench.db"), scratch.long.path("bench.db"))
        try await DemoData.fill(path: long, signals: many, span: span, end: end, progress: BenchOptions.progress)
        try await DemoData.fill(path: short, signals: few, span: span, end: end, progress: BenchOptions.progress)
        try LivedIn.live(in: [short, long], progress: BenchOptions.progress)
        try output.show(
            try Flatness.run(
                few: short, many: long, rounds: options.rounds, seconds: options.seconds,
                progress: BenchOptions.progress))
    }
}

struct MemoryBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract:
            "Memory of collector, agent and two workers under load, whether it grows, and what their series take; needs root, nginx, wrk, curl."
    )

    @Option(help: "For how long.")
    var minutes = 60

    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard (3...10_000).contains(minutes) else { throw ValidationError("--minutes: 3 to 10000") }
    }

    func run() throws {
        try output.show(try MemoryUse.run(minutes: minutes, progress: BenchOptions.progress))
    }
}

struct RetentionBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "How long reads take while old signals are removed under full write load, and how large the WAL gets."
    )

    @Option(help: "Seconds that a reader holds its snapshot.")
    var hold = 60

    @OptionGroup var output: BenchOutput

    func validate() throws {
        guard (1...600).contains(hold) else { throw ValidationError("--hold: 1 to 600") }
    }

    func run() async throws {
        try output.show(try await RetentionLoad.run(hold: Double(hold), progress: BenchOptions.progress))
    }
}
