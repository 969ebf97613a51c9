/// What a person may ask the running agent for, over its socket: one line there, one line back, then the connection is closed.
public enum AgentRequest: Sendable, Hashable {
    case approve(Int64)
    case reject(Int64)
    /// Do something about a signal that the agent did not propose, or would not do without a person.
    case order(AgentOrder)
    /// Take back all that stands.
    case undo

    /// The socket of the agent that acts on what stands in a database.
    public static func socket(besides database: String) -> String { "\(DataDirectory.of(database))/run/agent.sock" }

    fileprivate var words: String {
        switch self {
        case .approve(let id): "approve \(id)"
        case .reject(let id): "reject \(id)"
        case .order(let order): "do \(order.words)"
        case .undo: "undo"
        }
    }

    fileprivate init?(words: [Substring]) {
        if words == ["undo"] {
            self = .undo
            return
        }
        if words.first == "do" {
            guard let order = AgentOrder(words: words.dropFirst()) else { return nil }
            self = .order(order)
            return
        }
        guard words.count == 2, let id = Int64(words[1]), id > 0 else { return nil }
        switch words[0] {
        case "approve": self = .approve(id)
        case "reject": self = .reject(id)
        default: return nil
        }
    }
}

/// An action that a person wants.
public struct AgentOrder: Sendable, Hashable {
    /// The open signal that it is against, and is held against afterwards.
    public var signal: Int64
    public var kind: ActionKind
    /// A process of the party that it is about; whoever the signal blames first where it is not said.
    public var pid: Int32?
    /// The preset where it is not said.
    public var value: String?

    public init(_ kind: ActionKind, signal: Int64, pid: Int32? = nil, value: String? = nil) {
        self.signal = signal
        self.kind = kind
        self.pid = pid
        self.value = value
    }

    /// `88 lower_io_priority pid 25101 value best-effort 5`
    fileprivate var words: String {
        "\(signal) \(kind.rawValue)" + (pid.map { " pid \($0)" } ?? "") + (value.map { " value \($0)" } ?? "")
    }

    fileprivate init?(words: ArraySlice<Substring>) {
        var rest = words
        guard let signal = rest.popFirst().flatMap({ Int64($0) }), signal > 0,
            let kind = rest.popFirst().flatMap({ ActionKind(rawValue: String($0)) })
        else { return nil }
        self.init(kind, signal: signal)
        if rest.first == "pid" {
            guard let pid = rest.dropFirst().first.flatMap({ Int32($0) }), pid > 0 else { return nil }
            self.pid = pid
            rest = rest.dropFirst(2)
        }
        if rest.first == "value", rest.count > 1 {
            value = rest.dropFirst().joined(separator: " ")
            rest = []
        }
        guard rest.isEmpty else { return nil }
    }
}

/// A request, and what shows that whoever sends it may: the agent's own user and root need nothing.
public struct AgentMessage: Sendable, Hashable {
    public var request: AgentRequest
    public var token: String?

    /// `nil` for a token that cannot stand in a line.
    public init?(_ request: AgentRequest, token: String? = nil) {
        let isPlain = token.map { (1...256).contains($0.utf8.count) && $0.utf8.allSatisfy { (33...126).contains($0) } }
        guard isPlain ?? true else { return nil }
        self.request = request
        self.token = token
    }

    /// Without its end: `approve 12`, `approve 12 token 3e5f…`.
    public var line: String { request.words + (token.map { " token \($0)" } ?? "") }

    /// Reads a line without its end; `nil` when it is no message.
    public init?(line: String) {
        var words = line.split(separator: " ", omittingEmptySubsequences: false)
        var token: String?
        if words.count > 2, words[words.count - 2] == "token" {
            token = String(words[words.count - 1])
            words.removeLast(2)
        }
        guard let request = AgentRequest(words: words) else { return nil }
        self.init(request, token: token)
    }
}

/// What the agent answers.
public enum AgentReply: Sendable, Hashable {
    /// Done, and what came of it.
    case done(String)
    /// It could not be done, and why.
    case failed(String)
    /// Whoever asks may not, and what helps.
    case denied(String)

    /// Without its end: `ok rejected`, `error no decision 12 waits for a person`.
    public var line: String {
        switch self {
        case .done(let text): "ok \(text.onOneLine)"
        case .failed(let reason): "error \(reason.onOneLine)"
        case .denied(let reason): "denied \(reason.onOneLine)"
        }
    }

    /// Reads a line without its end; `nil` when it is no reply.
    public init?(line: String) {
        let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2 else { return nil }
        switch words[0] {
        case "ok": self = .done(String(words[1]))
        case "error": self = .failed(String(words[1]))
        case "denied": self = .denied(String(words[1]))
        default: return nil
        }
    }
}
