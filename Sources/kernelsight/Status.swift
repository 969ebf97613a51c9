import ArgumentParser

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says how KernelSight and each of its parts do.",
        discussion: "Exit status 1 when there are no fresh data or a part reports an error.")

    @Flag(help: "The API's reply as it is.")
    var json = false

    @OptionGroup var source: SourceOptions

    func run() throws {
        let body = try source.ask("/api/diagnostics")
        let reply = try source.read(Replies.Diagnostics.self, body, of: "/api/diagnostics")
        for line in json ? [String(decoding: body, as: UTF8.self)] : Self.lines(reply, Terminal()) { print(line) }
        if reply.overallStatus == "error" { throw ExitCode.failure }
    }

    static func lines(_ reply: Replies.Diagnostics, _ terminal: Terminal) -> [String] {
        let names = Terminal.table(reply.checks.map { [$0.component, $0.status, ""] }, limit: 20)
        return zip(reply.checks, names).map { check, name in
            let colour: Terminal.Colour? =
                switch check.status {
                case "error": .red
                case "warning": .yellow
                default: nil
                }
            return (colour.map { terminal.paint(name, $0) } ?? name)
                + check.details.map { Terminal.plain($0) }.joined(separator: "; ")
        }
    }
}
