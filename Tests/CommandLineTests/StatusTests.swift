import Glibc
import Model
import Store
import Testing

@testable import kernelsight

@Suite struct StatusTests {
    private let tick = Timestamp(nanoseconds: 1_764_000_000_000_000_000)

    /// What a reader says about a database with one tick and three parts.
    private func health() throws -> Reader.Health {
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
                    ComponentState(component: "detection", status: .ok, message: "fine"),
                    ComponentState(component: "syscall_tracer", status: .error, message: "no BTF"),
                ]))
        try writer.flush()
        return try Reader(path: "\(directory)/k.db").health()
    }

    @Test func `fresh data are well, and a part's error is shown as it is`() throws {
        let rows = Status.rows("k.db", try health(), now: tick.advanced(bySeconds: 9), freshnessLimit: 10)
        #expect(rows.map(\.component).prefix(1) == ["data"])
        #expect(rows.first?.status == .ok)
        #expect(rows.first?.message == "k.db: 0 signals, 0 open, data from 2025-11-24T16:00:00.000Z")
        #expect(rows.first { $0.component == "detection" }?.status == .ok)
        #expect(rows.first { $0.component == "syscall_tracer" }?.status == .error)
    }

    @Test func `old data are an error, and what the parts said then is no news`() throws {
        let rows = Status.rows("k.db", try health(), now: tick.advanced(bySeconds: 11), freshnessLimit: 10)
        #expect(rows.first?.status == .error)
        #expect(rows.first?.message.hasSuffix("11 s old; start kernelsight-collector, or see its log.") == true)
        #expect(rows.first { $0.component == "detection" }?.status == .warning)
    }

    @Test func `data from the future are an error too, for a collector that runs would have written since`() throws {
        let rows = Status.rows("k.db", try health(), now: tick.advanced(bySeconds: -3600), freshnessLimit: 10)
        #expect(rows.first?.status == .error)
        #expect(rows.first?.message.contains("dated 3600 s in the future: the clock was set back") == true)
        #expect(rows.first { $0.component == "detection" }?.status == .warning)
    }
}
