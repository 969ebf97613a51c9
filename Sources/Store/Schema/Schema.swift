import GRDB

/// The database's versions. Each step brings a database from the version before to its own, in one transaction that also
/// sets `user_version`; a step that has shipped is never edited.
struct Schema: Sendable {
    /// Tells our files from other SQLite databases, and from each other.
    let applicationID: Int
    private let steps: [[String]]

    /// The collector's; `KSgt`.
    static let signals = Schema(
        applicationID: 0x4B53_6774,
        steps: [
            SchemaVersion1.statements, SchemaVersion2.statements, SchemaVersion3.statements, SchemaVersion4.statements,
            SchemaVersion5.statements, SchemaVersion6.statements,
        ])
    /// The agent's; `KSag`.
    static let agent = Schema(applicationID: 0x4B53_6167, steps: [AgentSchema.version1, AgentSchema.version2])

    /// What this program writes and reads.
    var current: Int { steps.count }

    /// Checks that a database is ours and of the version that this program reads.
    func check(_ db: Database, path: String) throws {
        var version = 0
        try db.cachedStatement(sql: "PRAGMA user_version").rows { version = Int($0.int(0)) }
        guard version != current else { return }
        try checkOwner(db, path: path)
        throw StoreError.schema(path: path, found: version, known: current)
    }

    /// Brings a database of any earlier version, or an empty file, to the current one.
    func migrate(_ db: Database, path: String) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= current else { throw StoreError.schema(path: path, found: version, known: current) }
        try checkOwner(db, path: path)
        guard version < current else { return }
        // A step may sort what a long history has: half a kilobyte a signal, which is no business of the memory.
        let temporary = try Int.fetchOne(db, sql: "PRAGMA temp_store") ?? 0
        try db.execute(sql: "PRAGMA temp_store = FILE")
        defer { try? db.execute(sql: "PRAGMA temp_store = \(temporary)") }
        for (index, statements) in steps.enumerated().dropFirst(version) {
            try db.inTransaction(.immediate) {
                for statement in statements { try db.execute(sql: statement) }
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
    }

    private func checkOwner(_ db: Database, path: String) throws {
        let owner = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        guard owner != applicationID else { return }
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        guard tables == 0 else {
            throw StoreError.unreadable(path: path, reason: "it belongs to another program")
        }
    }
}
