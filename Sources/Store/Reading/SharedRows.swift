import GRDB
import Model

/// What signals share. It never changes once written, and its ids never come back meaning another: each row is decoded once.
struct SharedRows {
    private var templates = Interned<TemplateText>()
    private var labels = Interned<Label>()
    private var entities = Interned<Entity>()
    private var parties = Interned<FindingDetails.Party>()
    private var inputs = Interned<FindingDetails.Input>()

    /// A label as signals share it.
    struct Label {
        var text: String
        var category: SignalCategory
    }

    mutating func template(_ id: Int64, _ db: Database) throws -> TemplateText {
        try templates.value(id, "SELECT summary, patterns, hints FROM templates WHERE id = ?", db) {
            TemplateText(
                Message.Template(
                    summary: $0.text(0), patterns: StringArray.parse($0.bytes(1)), hints: StringArray.parse($0.bytes(2))
                ))
        } ?? TemplateText(Message.Template(summary: ""))
    }

    mutating func label(_ id: Int64, _ db: Database) throws -> Label {
        try labels.value(id, "SELECT semantic_label, signal_category FROM labels WHERE id = ?", db) {
            Label(text: $0.text(0), category: SignalCategory(rawValue: $0.text(1)) ?? .symptom)
        } ?? Label(text: "", category: .symptom)
    }

    /// A process's id is empty here: signals have it themselves.
    mutating func entity(_ id: Int64, _ db: Database) throws -> Entity {
        try entities.value(id, "SELECT kind, key, name FROM entities WHERE id = ?", db) {
            Entity(kind: Entity.Kind(rawValue: $0.text(0)) ?? .system, id: $0.text(1), name: $0.text(2))
        } ?? Entity(kind: .system, id: "", name: "")
    }

    mutating func party(_ id: Int64, _ db: Database) throws -> FindingDetails.Party {
        try parties.value(id, "SELECT comm, cgroup, measure FROM parties WHERE id = ?", db) {
            FindingDetails.Party(comm: $0.text(0), cgroup: $0.text(1), measure: $0.text(2))
        } ?? FindingDetails.Party(comm: "", cgroup: "", measure: "")
    }

    mutating func input(_ id: Int64, _ db: Database) throws -> FindingDetails.Input {
        try inputs.value(id, "SELECT metric, unit, window, threshold FROM inputs WHERE id = ?", db) {
            FindingDetails.Input(
                metric: $0.text(0), unit: $0.text(1), window: $0.double(2),
                threshold: $0.isNull(3) ? nil : $0.double(3))
        } ?? FindingDetails.Input(metric: "", unit: "", window: 0)
    }
}

/// Rows that have been read before, by id.
private struct Interned<Value> {
    private var values: [Int64: Value] = [:]

    mutating func value(_ id: Int64, _ sql: String, _ db: Database, _ decode: (Columns) -> Value) throws -> Value? {
        if let value = values[id] { return value }
        var value: Value?
        try db.cachedStatement(sql: sql).rows({ $0.add(id) }, { value = decode($0) })
        if values.count >= 1024 { values.removeAll() }
        values[id] = value
        return value
    }
}
