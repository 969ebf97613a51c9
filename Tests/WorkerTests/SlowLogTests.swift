import Logging
import Settings
import Store
import Synchronization
import Testing

@testable import kernelsight_api

/// What a worker's log says of statements that take long.
struct SlowLogTests {
    /// Keeps what is logged.
    private final class Lines: LogHandler, Sendable {
        let all = Mutex<[Logger.Metadata]>([])

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }

        func log(event: LogEvent) { all.withLock { $0.append(event.metadata ?? [:]) } }
    }

    private let lines = Lines()
    private let log: SlowLog
    private let start = ContinuousClock.now

    init() {
        let lines = lines
        log = SlowLog(log: Logger(label: "test") { _ in lines }, live: LiveSettings(Settings()))
    }

    private func write(_ sql: String, after seconds: Double) {
        log.write(SlowQuery(sql: sql, milliseconds: 70, plan: ["SCAN a", "SCAN b"]), at: start + .seconds(seconds))
    }

    @Test func `a statement is told on one line, with its plan`() {
        write("SELECT *\n    FROM a, b", after: 0)
        let line = lines.all.withLock { $0 }.first
        #expect(line?["sql"] == "SELECT * FROM a, b")
        #expect(line?["plan"] == "SCAN a; SCAN b")
        #expect(line?["took"] == "70.0 ms")
    }

    @Test func `the same statement is told once a minute, with how often it was not, and others beside it`() {
        for second in [0.0, 1, 59] { write("SELECT 1", after: second) }
        write("SELECT 2", after: 2)
        write("SELECT 1", after: 60)
        write("SELECT 1", after: 121)
        let said = lines.all.withLock { $0 }.map { "\($0["sql"] ?? "") \($0["unsaid_before"] ?? "")" }
        #expect(said == ["SELECT 1 0", "SELECT 2 0", "SELECT 1 2", "SELECT 1 0"])
    }

    @Test func `what counts as slow changes with the configuration`() throws {
        let live = LiveSettings(Settings())
        #expect(live.slowQueryMilliseconds == 50)
        live.apply(try Settings.parse(yaml: "api: {slow_query_ms: 7}\n"))
        #expect(live.slowQueryMilliseconds == 7)
    }
}
