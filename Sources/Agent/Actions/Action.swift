import Model

/// One thing to do, about one party or about the host.
public struct Action: Sendable, Hashable, Codable {
    public var kind: ActionKind
    /// A process of the party that it is about; `nil` for what is about the host.
    public var process: ProcessIdentity?
    /// Inside the range of `kind.parameter`; `nil` where there is none.
    public var value: String?

    /// With the preset where no value is given. Throws what is wrong with it.
    public init(_ kind: ActionKind, on process: ProcessIdentity? = nil, value: String? = nil) throws(InvalidAction) {
        self.kind = kind
        if kind.blastRadius == .party, process == nil { throw InvalidAction("\(kind.rawValue) needs a process") }
        self.process = kind.blastRadius == .party ? process : nil
        guard let parameter = kind.parameter else {
            if value != nil { throw InvalidAction("\(kind.rawValue) takes no value") }
            return
        }
        let value = value ?? parameter.preset
        guard parameter.isAllowed(value) else {
            throw InvalidAction(
                "\(kind.rawValue): \(parameter.name) is \(value.debugDescription), allowed: \(parameter.allowed)")
        }
        self.value = value
    }
}

/// What is wrong with an action that was asked for.
public struct InvalidAction: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

extension Action: CustomStringConvertible {
    public var description: String {
        [kind.rawValue, process.map { "on \($0.pid)" }, value.map { "to \($0)" }].compactMap(\.self)
            .joined(separator: " ")
    }
}

extension Action {
    /// In words, what stands as JSON in agent.db.
    public static func describe(_ json: String) -> String {
        (try? JSON.value(json, as: Action.self).description) ?? json
    }
}

/// What an action is made of.
public enum Step: Sendable, Hashable, Codable {
    /// A setting gets a value; what it has before is read, and is what it gets back.
    case set(Setting, String)
    /// What cannot be taken back.
    case run(Deed)
}

public enum Deed: Sendable, Hashable, Codable {
    case terminate(ProcessIdentity)
    /// sync(2): all that is dirty on all file systems is written.
    case sync
    /// 1 page cache, 2 dentries and inodes, 3 both.
    case dropCaches(level: String)
}
