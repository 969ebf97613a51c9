import Glibc
import Model
import Store
import Testing

@testable import kernelsight

/// What is said of a database with one tick and two parts, which nobody writes any more.
@Suite struct StatusTests {
    private let tick = Timestamp(nanoseconds: 1_764_000_000_000_000_000)

    private func status() throws -> Replies.Diagnostics {
        var template = Array("/tmp/kernelsight-status-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer {
            for name in ["k.db", "k.db-wal", "k.db-shm", "k.db-writer"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        let writer = try Writer(path: "\(directory)/k.db")
        writer.submit(
            TickRecord(
                time: tick, samples: [MetricSample("cpu.busy", 0.1)],
                components: [
                    ComponentState(component: "detection", status: .ok, message: "fine\u{1B}[2J"),
                    ComponentState(component: "syscall_tracer", status: .error, message: "no BTF"),
                ]))
        try writer.flush()
        let source = try SourceOptions.parse(["--db", "\(directory)/k.db"])
        return try source.ask(Replies.Diagnostics.self, "/api/diagnostics")
    }

    @Test func `old data are an error that says what to do, and what the parts said then is no news`() throws {
        let reply = try status()
        #expect(reply.overallStatus == "error")
        let lines = Status.lines(reply, Terminal(hasColours: false))
        #expect(lines.first == "database        ok       connected; 0 signals, 0 open")
        #expect(
            lines.contains {
                $0.hasPrefix("collector       error    The newest data is ")
                    && $0.contains("start kernelsight-collector")
            })
        // Nothing that moves the cursor.
        #expect(lines.contains("detection       warning  fine?[2J"))
        #expect(lines.contains("syscall_tracer  error    no BTF"))
    }

    @Test func `on a terminal what is bad is red`() throws {
        let lines = Status.lines(try status(), Terminal(hasColours: true))
        #expect(lines.contains("\u{1B}[31msyscall_tracer  error    \u{1B}[0mno BTF"))
    }
}
