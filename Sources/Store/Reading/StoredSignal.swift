import Model

/// A signal as it stands in the database.
public struct StoredSignal: Sendable, Identifiable {
    public var id: Int64
    public var type: SignalType
    public var category: SignalCategory
    public var label: String
    public var entity: Entity
    public var state: Episode.State
    public var opened: Timestamp
    public var lastSeen: Timestamp
    public var closed: Timestamp?
    /// The highest grade so far, and the latest one.
    public var peak: Grade
    public var current: Grade
    public var occurrences: Int
    public var ruleVersion: Int
    /// Who causes it, most first.
    public var culprits: [Culprit]
    let text: SignalText

    /// Summary, patterns and hints.
    public var message: Message { text.message }

    /// Writes the summary as a member, which costs less than asking for it.
    public func writeSummary(_ member: StaticString, to json: inout JSONWriter) {
        text.writeSummary(member, to: &json)
    }
}

/// One signal with its proof.
public struct SignalDetail: Sendable {
    public var signal: StoredSignal
    public var evidence: [Evidence]
    public var victims: [Victim]
    /// The raw events it cites, worst first per source: JSON objects with the columns of their table.
    public var events: [(source: EventSource, json: String)]
}

/// Which signals are asked for. Conditions are combined with AND.
public struct SignalQuery: Sendable {
    /// Empty for all.
    public var types: Set<SignalType> = []
    public var minimumSeverity: Severity = .low
    public var state: Episode.State?
    /// A name (`nginx`, `sda`) or an id (`1234@567890`, `8:0`).
    public var entity: String?
    /// Only signals that opened at or after this time.
    public var since: Timestamp?
    /// Only signals that opened before this time.
    public var until: Timestamp?
    /// Also signals that opened before `since` and are still open. Means nothing together with `state`.
    public var orOpen = false
    /// 1–1000; values outside are brought inside.
    public var limit = 20
    /// `SignalPage.next` of the page before.
    public var cursor: Int64?

    public init() {}
}

/// Signals, newest first.
public struct SignalPage: Sendable {
    public var signals: [StoredSignal]
    /// For the next page; `nil` at the end.
    public var next: Int64?
    /// The age of this answer is that of `lastCommit`.
    public var state: Reader.State
}
