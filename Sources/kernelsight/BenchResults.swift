import ArgumentParser
import Benchmarks
import Glibc

/// Where the results go besides the terminal.
struct BenchOutput: ParsableArguments {
    @Option(help: "Also write the results to this file, as JSON; added to those of earlier runs that are there.")
    var output: String?

    func show(_ figures: [Figure]) throws {
        for figure in figures { print(figure.line) }
        guard let output else { return }
        let before = access(output, F_OK) == 0 ? try Results(path: output) : Results([])
        guard before.machine == .own else {
            throw Failure("\(output) has results of another machine: name another file")
        }
        try Results(before.adding(figures).figures).write(path: output)
    }
}

struct CompareBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "What changed from one result to another, as far as the noise allows to say.",
        discussion: """
            A figure is better or worse when its runs part as they would by chance in less than one of twenty cases (Mann–Whitney); \
            that takes four runs in each file, best made in turn, for the same program on the same machine differs from run to run by \
            more than its rounds do. Exit status 1 when something is worse.
            """)

    @Argument(help: "A file that --output wrote.")
    var before: String

    @Argument(help: "A later one.")
    var after: String

    func run() throws {
        let comparison = Comparison(try Results(path: before), try Results(path: after))
        for line in comparison.lines { print(line.text) }
        for remark in comparison.remarks { print(remark) }
        if comparison.lines.contains(where: { $0.verdict == .worse }) { throw ExitCode(1) }
    }
}

struct ReportBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Makes a page of results: HTML that needs nothing else, or Markdown.")

    @Argument(help: "A file that --output wrote.")
    var results: String

    @Argument(help: "The page to write, .html or .md.")
    var page: String

    func validate() throws {
        guard page.hasSuffix(".html") || page.hasSuffix(".md") else {
            throw ValidationError("\(page): name a page that ends in .html or .md")
        }
    }

    func run() throws {
        let results = try Results(path: results)
        let text = page.hasSuffix(".md") ? Report.markdown(results) : Report.html(results)
        try text.write(toFile: page, atomically: true, encoding: .utf8)
    }
}
