import Logging
import Model
import Store
import Testing

@testable import kernelsight_collector

/// What the log says about the writer.
struct WriterLogTests {
    private var log = WriterLog()
    private var status = WriterStatus()
    private let full = StoreError.failed(code: 13, message: "database or disk is full")

    /// Looks once a tick, and returns what was said.
    private mutating func look(times: Int = 1) -> [WriterLog.Line] {
        (0..<times).flatMap { _ in log.look(at: status) }
    }

    private mutating func fail(_ error: StoreError) {
        status.state = .failing(error)
        status.failures += 1
    }

    @Test mutating func `a disk that fills up is told once, with what helps, and so is the recovery`() {
        #expect(look(times: 5) == [])
        fail(full)
        let said = look()
        #expect(said.map(\.level) == [.error])
        #expect(said.first?.text.contains("make some on the database's file system") == true)
        for _ in 0..<100 {
            fail(full)
            #expect(look() == [])
        }
        status.state = .running
        #expect(look(times: 9) == [])
        #expect(look() == [.init(level: .notice, text: "writes again; 0 rows were dropped since the start")])
        #expect(look(times: 100) == [])
    }

    @Test mutating func `a writer that fails every other second is one trouble`() {
        fail(full)
        #expect(look().count == 1)
        for _ in 0..<20 {
            status.state = .running
            #expect(look() == [])
            fail(full)
            #expect(look() == [])
        }
    }

    @Test mutating func `another reason is told`() {
        fail(full)
        #expect(look().count == 1)
        fail(.failed(code: 266, message: "disk I/O error"))
        #expect(look().first?.text.contains("the disk fails") == true)
    }

    @Test mutating func `dropped rows are told when it begins, and how many when it is over`() {
        for _ in 0..<50 {
            status.dropped.ticks += 3
            _ = look()
        }
        status.dropped.ticks += 3
        #expect(look() == [])
        #expect(look(times: 9) == [])
        #expect(look() == [.init(level: .notice, text: "no rows are dropped any more; 153 were since the start")])
        status.dropped.ticks += 1
        #expect(look().map(\.level) == [.warning])
    }

    @Test mutating func `what is lost at the end is told`() {
        #expect(look() == [])
        status.state = .closed
        #expect(look() == [])
        status.dropped.episodes += 2
        #expect(look() == [.init(level: .error, text: "stopped with 2 rows that could not be written")])
    }
}
