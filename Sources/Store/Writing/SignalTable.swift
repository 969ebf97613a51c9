import GRDB
import Model

/// Writes episodes: a row when one opens, updates until it closes. Writing the same state twice changes nothing.
struct SignalTable {
    private let db: Database
    private let insert: Statement
    private let update: Statement
    private var interner: Interner
    private var values = JSONWriter(capacity: 256)
    private var details = JSONWriter(capacity: 256)
    /// Open episodes that are known to have a row; saves the attempt to insert.
    private var known: Set<Int64> = []

    init(_ db: Database) throws {
        self.db = db
        interner = Interner(db)
        insert = try db.makeStatement(
            sql: """
                INSERT INTO signals (id, severity, state, peak_score, current_severity, current_score, label, entity,
                    process, template, "values", lasted, closed_after, occurrence_count, rule_version, details,
                    timestamp, type)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """)
        update = try db.makeStatement(
            sql: """
                UPDATE signals SET severity = ?2, state = ?3, peak_score = ?4, current_severity = ?5, current_score = ?6,
                    label = ?7, entity = ?8, process = ?9, template = ?10, "values" = ?11, lasted = ?12,
                    closed_after = ?13, occurrence_count = ?14, rule_version = ?15, details = ?16 WHERE id = ?1
                """)
    }

    mutating func write(_ episodes: [Episode]) throws {
        var delta = RollupDelta()
        var highest: Int64 = 0
        for episode in episodes {
            highest = max(highest, episode.id)
            if try put(episode) {
                delta.add(
                    episode.key.type, episode.peak.severity, score: tenThousandths(episode.peak.score),
                    at: episode.opened)
            }
            if episode.state == .closed { known.remove(episode.id) } else { known.insert(episode.id) }
        }
        try delta.write(db)
        if highest > 0 {
            try db.cachedStatement(sql: "UPDATE store_state SET last_signal_id = max(last_signal_id, ?)")
                .execute(arguments: [highest])
        }
    }

    /// Forgets what a failed transaction may have taken back.
    mutating func forget() {
        interner.forget()
        known.removeAll(keepingCapacity: true)
    }

    /// Forgets ids of names, after unused ones were swept.
    mutating func forgetNames() { interner.forgetNames() }

    /// True for a row that was not there.
    private mutating func put(_ episode: Episode) throws -> Bool {
        // A row that is known can be gone all the same: a person's DELETE.
        if known.contains(episode.id), try change(episode) { return false }
        if try add(episode) { return true }
        try change(episode)
        return false
    }

    private mutating func add(_ episode: Episode) throws -> Bool {
        let shared = try shared(episode)
        try insert.run {
            bind(episode, shared, &$0)
            $0.add(episode.opened.nanoseconds)
            $0.add(episode.key.type.code)
        }
        return db.changesCount == 1
    }

    /// False when there is no row.
    @discardableResult
    private mutating func change(_ episode: Episode) throws -> Bool {
        let shared = try shared(episode)
        try update.run { bind(episode, shared, &$0) }
        return db.changesCount == 1
    }

    /// Ids of what the row shares with others.
    private typealias Shared = (label: Int64, entity: Int64, template: Int64)

    /// Also writes `values` and `details`, which name such.
    private mutating func shared(_ episode: Episode) throws -> Shared {
        values.removeAll()
        StringArray.write(episode.finding.message.values, to: &values) {
            FindingDetails.reference($0, in: episode.finding)
        }
        details.removeAll()
        try FindingDetails.write(episode.finding, to: &details) {
            try interner.id(of: $0, signal: episode.id)
        } input: {
            try interner.id(of: $0, signal: episode.id)
        }
        return (
            try interner.id(ofLabel: episode.key.label, category: episode.category),
            try interner.id(of: episode.key.entity), try interner.id(of: episode.finding.message.template)
        )
    }

    /// The 16 columns that both statements start with.
    private func bind(_ episode: Episode, _ shared: Shared, _ row: inout Binder) {
        row.add(episode.id)
        row.add(episode.peak.severity.rawValue)
        row.add(episode.state.code)
        row.add(tenThousandths(episode.peak.score))
        row.add(episode.current.severity.rawValue)
        row.add(tenThousandths(episode.current.score))
        row.add(shared.label)
        row.add(shared.entity)
        row.add(episode.key.entity.process.map(PackedIdentity.pack))
        row.add(shared.template)
        row.add(values)
        row.add(microseconds(episode.lastSeen, since: episode.opened))
        row.add(episode.closed.map { microseconds($0, since: episode.opened) })
        row.add(episode.occurrences)
        row.add(episode.finding.ruleVersion)
        row.add(details)
    }
}

private func microseconds(_ time: Timestamp, since start: Timestamp) -> Int64 {
    (time.nanoseconds - start.nanoseconds) / 1000
}

/// A score (0–1) as the database keeps it.
func tenThousandths(_ score: Double) -> Int64 { Int64((score * 10_000).rounded()) }
