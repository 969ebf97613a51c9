import Agent
import ArgumentParser
import Model
import Settings
import Store

/// `kernelsight agent audit`: whether nobody has changed what the agent wrote down.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Verifies the chain of the agent's records.",
        discussion: """
            Each record holds the hash of the one before. The last hash is printed: who keeps it elsewhere can tell later that \
            the whole chain was not written anew. Exit status 1 when a record was changed or is missing.
            """)

    @Option(help: "Prints the last so many records as well.")
    var last = 0

    @OptionGroup var options: DatabaseOptions

    func validate() throws {
        guard (0...100_000).contains(last) else { throw ValidationError("--last: 0 to 100000 records") }
    }

    func run() throws {
        let records = try options.agent()
        var (id, hash) = (Int64(0), "")
        var tail: [AuditRecord] = []
        while true {
            let page = try records.audit(after: id)
            guard let end = page.last else { break }
            if let fault = Audit.fault(in: page, after: hash, lastID: id) {
                throw Failure("the audit does not hold: \(fault)")
            }
            (id, hash) = (end.id, end.hash)
            tail = (tail + page).suffix(last)
        }
        for record in tail { print(record.time.rfc3339, record.kind, record.body) }
        print("\(id) records, whole; the last hash is \(hash.isEmpty ? "none" : hash)")
    }
}

/// `kernelsight agent replay`: the rules of today on the data of then.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Decides again what was decided at a time.",
        discussion: """
            Runs OBSERVE to DECIDE on what the cycle at that time looked at, with the configuration and the rules of today. \
            Changes nothing. Cycles are kept for seven days.
            """)

    @Option(help: "The time, as 2026-11-28T15:04:05Z.")
    var at: String

    @OptionGroup var options: DatabaseOptions

    func run() throws {
        guard let time = Timestamp(rfc3339: at) else {
            throw ValidationError("--at \(at): a time such as 2026-11-28T15:04:05Z is needed")
        }
        let settings = try Settings.load(path: options.config)
        guard let cycle = try options.agent().cycles(limit: 1, until: time, withRecords: true).first else {
            throw Failure("the agent ran no cycle up to \(time.rfc3339), or it is kept no more")
        }
        print("cycle \(cycle.id), \(cycle.started.rfc3339), \(cycle.cause): \(cycle.outcome ?? "was cut off")")
        for phase in try Replay(cycle, Agent.Configuration(settings)).phases {
            print("\(phase.name)")
            print("  then: \(phase.then)")
            print("  now:  \(phase.now)")
        }
    }
}
