import Glibc
import Model
import Testing

@testable import Settings

/// A file of the repository.
func repository(_ path: String) -> String { "\(#filePath.components(dropping: 3))/\(path)" }

extension String {
    fileprivate func components(dropping count: Int) -> String {
        split(separator: "/", omittingEmptySubsequences: false).dropLast(count).joined(separator: "/")
    }
}

@Suite struct AcceptedFileTests {
    @Test(arguments: ["", "\n", "# nothing\n", "---\n", "~\n", "{}\n", "database:\n", "tracers:\n  sampling:\n"])
    func `what is not given keeps its default`(yaml: String) throws {
        #expect(try Settings.parse(yaml: yaml) == Settings())
    }

    @Test func `every kind of value is read`() throws {
        let settings = try Settings.parse(
            yaml: """
                database: {path: "/var/lib/kernelsight/a # b.db"}
                tracers:
                  enabled: []
                  sampling: {io_latency_tracer: 0}
                  event_threshold_ms: {page_fault_tracer: 2.5}
                agent: {mode: approve, undo_on_stop: false, protected_processes: [postgres, "7"]}
                advanced: {flush_interval_seconds: 5e-1}
                thresholds: {load_per_core: [1, 1, 2, 1000000000]}
                hysteresis: {open_after: 5, window: 5}
                """)
        var expected = Settings()
        expected.database.path = "/var/lib/kernelsight/a # b.db"
        expected.tracers.enabled = []
        expected.tracers[.blockIO].eventsPerSecond = 0
        expected.tracers[.pageFault].thresholdMilliseconds = 2.5
        expected.agent.mode = .approve
        expected.agent.undoesOnStop = false
        expected.agent.protected = ["postgres", "7"]
        expected.advanced.flushIntervalSeconds = 0.5
        expected.thresholds.loadPerCore = Bands(1, 1, 2, 1e9)
        expected.hysteresis.openAfter = 5
        expected.hysteresis.window = 5
        #expect(settings == expected)
    }

    @Test func `a file with carriage returns is read`() throws {
        #expect(try Settings.parse(yaml: "agent:\r\n  cycle_interval_seconds: 7\r\n").agent.cycleIntervalSeconds == 7)
    }

    /// A setter that writes to another key's place shows here: each key gets a value of its own, and all the others keep
    /// their defaults.
    @Test(arguments: Key.all) func `a key sets its own value and no other`(key: Key) throws {
        let value =
            switch key.kind {
            case .whole(_, let range): "\(range.upperBound)"
            case .number(_, let range): range.upperBound.plain
            case .flag(let place): "\(!Settings()[keyPath: place])"
            case .path: "other.db"
            case .choice(_, let names): names.last ?? ""
            case .list(_, let names, _): "[\(names.last ?? "postgres")]"
            case .bands: "[0, 0, 0, 0]"
            }
        // What a value at its top needs beside it.
        let extra =
            switch key.name {
            case "hysteresis.open_after": ["hysteresis.window": "60"]
            case "advanced.flush_interval_seconds": ["api.freshness_limit_seconds": "62"]
            default: [String: String]()
            }
        let given = extra.merging([key.name: value]) { $1 }
        let settings = try Settings.parse(yaml: Self.nested(given))
        for other in Key.all {
            #expect(
                other.text(in: settings).filter { $0 != " " }
                    == (given[other.name] ?? other.defaultText).filter { $0 != " " })
        }
    }

    @Test func `every threshold can be configured`() {
        let configured = Key.all.filter { if case .bands = $0.kind { true } else { false } }
        #expect(configured.count == Mirror(reflecting: Thresholds()).children.count)
    }

    /// `a.b: v` as flow maps, one line a key and section, so that no key stands twice.
    private static func nested(_ values: [String: String]) -> String {
        let sections = Dictionary(grouping: values) { $0.key.split(separator: ".").dropLast().joined(separator: ".") }
        return sections.map { section, keys in
            let names = section.split(separator: ".")
            let inner = keys.map { "\($0.key.split(separator: ".").last ?? ""): \($0.value)" }.joined(separator: ", ")
            return names.dropFirst().reversed().reduce("{\(inner)}") { "{\($1): \($0)}" }.prefixed("\(names[0]): ")
        }.joined(separator: "\n")
    }
}

extension String {
    fileprivate func prefixed(_ prefix: String) -> String { prefix + self }
}

@Suite struct ShippedFileTests {
    @Test func `config.yaml gives every key its default, with a comment`() throws {
        let text = try contents("config.yaml")
        #expect(try Settings.load(path: repository("config.yaml")) == Settings())
        let reading = try Settings.reading(of: text, file: "config.yaml")
        for key in Key.all { #expect(reading.lines[key.name] != nil, "config.yaml does not mention \(key.name)") }
        #expect(reading.lines.count == Key.all.count)
    }

    @Test func `high-volume has ten connections, batches of 500 and 500 calls a second`() throws {
        var expected = Settings()
        expected.advanced.databaseConnectionPoolSize = 10
        expected.advanced.signalBatchSize = 500
        expected.tracers[.syscall].eventsPerSecond = 500
        #expect(try Settings.load(path: repository("deploy/profiles/high-volume.yaml")) == expected)
    }

    @Test func `low-resource has two tracers and an agent that runs every 120 s`() throws {
        var expected = Settings()
        expected.tracers.enabled = [.scheduler, .blockIO]
        expected.agent.cycleIntervalSeconds = 120
        expected.retention.eventsMegabytes = 64
        #expect(try Settings.load(path: repository("deploy/profiles/low-resource.yaml")) == expected)
    }

    @Test func `maximum-visibility has 5000 calls and 2000 waits a second`() throws {
        var expected = Settings()
        expected.tracers[.syscall].eventsPerSecond = 5000
        expected.tracers[.scheduler].eventsPerSecond = 2000
        expected.retention.eventsMegabytes = 2048
        #expect(try Settings.load(path: repository("deploy/profiles/maximum-visibility.yaml")) == expected)
    }

    @Test func `the documentation has the table that the keys make`() throws {
        #expect(
            try contents("docs/configuration.md").contains(Settings.reference),
            "paste what `kernelsight config keys` prints into docs/configuration.md")
    }

    @Test(arguments: Settings.Program.allCases)
    func `the documentation names the keys that need a restart`(program: Settings.Program) throws {
        #expect(try contents("docs/configuration.md").contains(": \(Settings.restartReference(of: program))\n"))
    }

    private func contents(_ path: String) throws -> String {
        let file = try #require(fopen(repository(path), "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
