import GRDB
import Model
import Testing

@testable import Store

/// An agent's database of an earlier version.
struct AgentSchemaTests {
    @Test func `what went into a phase and came out of it is carried over, and goes with its cycle`() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/agent.db"
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in
            for statement in AgentSchema.version1 { try db.execute(sql: statement) }
            try db.execute(
                sql: """
                    INSERT INTO cycles VALUES (1, 100, 'interval', 200, 'nothing');
                    INSERT INTO phases VALUES (1, 0, 'OBSERVE', 100, 7, '{"in":1}', '{"out":2}', 'nothing is open');
                    INSERT INTO decisions VALUES (5, 1, 9, '{}', 'r', 0.5, 'pending', 100, NULL, 100, NULL, NULL);
                    PRAGMA application_id = \(Schema.agent.applicationID); PRAGMA user_version = 1;
                    """)
        }
        try queue.close()
        let journal = try AgentJournal(path: path, digest: { "\($0.count)" })
        let reader = AgentReader(path: path)
        let whole = try #require(try reader.cycles(limit: 1, withRecords: true).first?.phases.first)
        #expect(whole.input == #"{"in":1}"# && whole.result == #"{"out":2}"# && whole.message == "nothing is open")
        #expect(try reader.cycles(limit: 1).first?.phases.map(\.message) == ["nothing is open"])
        #expect(try reader.look { try $0.decisions(aboutSignal: 9, limit: 5) }.map(\.id) == [5])
        try journal.prune(before: Timestamp(nanoseconds: 1000))
        #expect(try count(path, "phases") == 0 && count(path, "phase_records") == 0)
        journal.close()
    }
}
