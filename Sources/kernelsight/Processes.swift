import ArgumentParser
import Foundation
import Glibc

struct ProcessesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "processes", abstract: "Lists the top processes of the last second.")

    @Option(help: "By what: cpu, run_queue_wait, io, faults.")
    var sort = "cpu"

    @Option(help: "At most so many, 1 to 100.")
    var limit = 20

    @Flag(help: "The API's reply as it is.")
    var json = false

    @OptionGroup var source: SourceOptions

    func run() throws {
        let query = [(name: "sort", value: sort), (name: "limit", value: "\(limit)")]
        if json {
            print(String(decoding: try source.ask("/api/processes", query), as: UTF8.self))
            return
        }
        for line in Self.lines(try source.ask(Replies.Processes.self, "/api/processes", query)) { print(line) }
    }

    static func lines(_ reply: Replies.Processes) -> [String] {
        if let reason = reply.reason { return [reason] }
        let head = [
            "pid", "cpu %", "runq ms/s", "D ms/s", "mem ms/s", "read/s", "written/s", "faults/s", "memory", "process",
        ]
        return Terminal.table([head] + reply.processes.map(row), right: Set(0..<head.count - 1))
    }

    private static func row(_ process: Replies.Processes.Row) -> [String] {
        let cpu = process.scheduling?.cpuNs.map { $0 / 1e9 } ?? process.proc?.cpuShare
        return [
            "\(process.pid)", Terminal.short(cpu.map { $0 * 100 }),
            Terminal.short(process.scheduling?.waitNs.map { $0 / 1e6 }),
            Terminal.short(process.scheduling?.blockedNs.map { $0 / 1e6 }),
            Terminal.short(process.scheduling?.memoryStallNs.map { $0 / 1e6 }),
            Terminal.bytes(process.blockIo?.readBytes ?? process.proc?.readBytesPerSecond),
            Terminal.bytes(process.blockIo?.writeBytes ?? process.proc?.writeBytesPerSecond),
            Terminal.short(process.faults.map { $0.minor + $0.major }), Terminal.bytes(process.proc?.residentBytes),
            process.comm,
        ]
    }
}

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what is wrong and the top processes, again each second, until Ctrl-C.")

    @Option(help: "Processes by what: cpu, run_queue_wait, io, faults.")
    var sort = "cpu"

    @Option(help: "Processes, 1 to 100.")
    var limit = 15

    @OptionGroup var source: SourceOptions

    func run() throws {
        let terminal = Terminal()
        while true {
            // Asked first: what fails must not leave an empty screen.
            let open = try source.ask(
                Replies.Signals.self, "/api/signals", [(name: "state", value: "open"), (name: "limit", value: "8")])
            let processes = try source.ask(
                Replies.Processes.self, "/api/processes",
                [(name: "sort", value: sort), (name: "limit", value: "\(limit)")])
            let lines = SignalsCommand.lines(open, terminal, now: .now) + [""] + ProcessesCommand.lines(processes)
            if terminal.hasColours { print("\u{1B}[2J\u{1B}[H", terminator: "") }
            print(lines.joined(separator: "\n"))
            fflush(nil)
            guard isatty(STDOUT_FILENO) == 1 else { return }
            sleep(1)
        }
    }
}
