import Agent
import ArgumentParser
import Control
import Model
import Settings
import Store

/// `kernelsight agent`: what a person may ask of the agent, and of what it wrote.
struct AgentCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Shows what the agent does, answers its decisions, takes back what it changed.",
        subcommands: [
            AgentStatusCommand.self, Pending.self, Approve.self, Reject.self, Order.self, Undo.self, AuditCommand.self,
            ReplayCommand.self,
        ])
}

struct AgentStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Says what the agent is at, and what it has changed.")

    @OptionGroup var options: DatabaseOptions

    func run() throws {
        let records = try options.agent()
        guard let status = try records.status() else { throw Failure("no agent has run on this host") }
        let heard = "last heard of at \(status.beat.rfc3339)"
        print(
            status.pid == 0
                ? "stopped at \(status.beat.rfc3339)"
                : "pid \(status.pid), mode \(status.mode), \(status.phase.map { "in \($0)" } ?? "between cycles"), \(heard)"
        )
        let standing = try records.decisions(in: AgentDecision.State.changed)
        for decision in standing {
            print("\(decision.state.rawValue): \(Self.line(decision))")
        }
        if standing.isEmpty { print("nothing is changed") }
    }

    static func line(_ decision: AgentDecision) -> String {
        [
            "decision \(decision.id): \(Action.describe(decision.action)) for signal \(decision.signal)",
            decision.note ?? decision.reason,
        ]
        .joined(separator: ": ")
    }
}

struct Pending: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the decisions that wait for a person.",
        discussion: "In mode approve the agent changes nothing before somebody says `kernelsight agent approve ID`.")

    @OptionGroup var options: DatabaseOptions

    func run() throws {
        let pending = try options.agent().decisions(in: [.pending])
        for decision in pending {
            print(AgentStatusCommand.line(decision) + (decision.expires.map { "; until \($0.rfc3339)" } ?? ""))
        }
        if pending.isEmpty { print("nothing waits") }
    }
}

struct Approve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lets the agent do what it proposed.")

    @Argument(help: "The decision's number, as `kernelsight agent pending` shows it.")
    var id: Int64

    @OptionGroup var options: DatabaseOptions

    func run() throws { try options.ask(.approve(id)) }
}

struct Reject: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Tells the agent not to do what it proposed.")

    @Argument(help: "The decision's number, as `kernelsight agent pending` shows it.")
    var id: Int64

    @OptionGroup var options: DatabaseOptions

    func run() throws { try options.ask(.reject(id)) }
}

struct Order: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "do", abstract: "Has the agent do something about a signal that it did not propose.",
        discussion: """
            It passes the same gate as what the agent decides by itself, is verified, and is taken back unless it helped. In mode \
            observe the agent only looks. What each action does, and its values: docs/agent.md.
            """)

    @Argument(help: "What to do.")
    var action: ActionKind

    @Option(help: "The open signal that it is against.")
    var signal: Int64

    @Option(help: "A process of the party that it is about; whoever the signal blames first when it is not said.")
    var pid: Int32?

    @Option(help: "How much of it; the action's preset when it is not said.")
    var value: String?

    @OptionGroup var options: DatabaseOptions

    func validate() throws {
        if let pid, pid < 1 { throw ValidationError("--pid \(pid): a process has a number from 1 on") }
        if signal < 1 { throw ValidationError("--signal \(signal): a signal has a number from 1 on") }
        // Here already, as only what is allowed can stand in a line to the agent.
        let somebody = ProcessIdentity(pid: pid ?? 1, startTicks: 0)
        do { _ = try Action(action, on: somebody, value: value) } catch { throw ValidationError("\(error)") }
    }

    func run() throws { try options.ask(.order(AgentOrder(action, signal: signal, pid: pid, value: value))) }
}

extension ActionKind: ExpressibleByArgument {}

struct Undo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes back what the agent changed.",
        discussion: "Asks the running agent; when none runs, does it itself and so needs the rights that the agent has."
    )

    @Flag(help: "All that stands. There is no other way yet, so that nobody does it by mistake.")
    var all = false

    @OptionGroup var options: DatabaseOptions

    func validate() throws {
        guard all else { throw ValidationError("Say --all: all that stands is taken back.") }
    }

    func run() async throws {
        let database = try options.path()
        switch try AgentMessage(.undo)?.ask(at: AgentRequest.socket(besides: database), timeout: 60) {
        case .done(let message): print(message)
        case .failed(let reason), .denied(let reason): throw Failure(reason)
        case nil:
            let own = AgentReader.path(besides: database)
            let records = AgentReader(path: own, connections: 1)
            // A journal would make what is not there.
            _ = try records.status()
            let journal = try AgentJournal(path: own, digest: Audit.digest)
            let agent = Agent(
                Agent.Configuration(), reader: Reader(path: database, connections: 1), journal: journal,
                records: records)
            try await agent.recover()
            print("\(try await agent.undoAll()) taken back")
        }
    }
}

extension DatabaseOptions {
    /// What the agent of this database has written.
    func agent() throws -> AgentReader { AgentReader(path: AgentReader.path(besides: try path()), connections: 1) }

    /// Asks the running agent and prints what it says.
    func ask(_ request: AgentRequest) throws {
        let path = AgentRequest.socket(besides: try path())
        switch try AgentMessage(request)?.ask(at: path, timeout: 30) {
        case .done(let message): print(message)
        case .failed(let reason): throw Failure(reason)
        case .denied: throw Failure("only root and the agent's own user may do this; over HTTP, whoever has the token")
        case nil: throw Failure("no agent listens at \(path): start kernelsight-agent")
        }
    }
}
