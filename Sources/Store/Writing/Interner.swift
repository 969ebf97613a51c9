import GRDB
import Model

/// Finds or makes the ids of what signals share. Ids are remembered up to a bound, and forgotten when the transaction
/// that made them fails.
struct Interner {
    /// `last_signal` of parties and inputs is this much too low at most: a row is not written for each signal that uses it.
    static let behind: Int64 = 1000

    private let db: Database
    private var templates = Remembered<TemplateKey, Int64>()
    private var labels = Remembered<LabelKey, Int64>()
    private var entities = Remembered<EntityKey, Int64>()
    private var parties = Remembered<FindingDetails.Party, Use>()
    private var inputs = Remembered<FindingDetails.Input, Use>()

    /// A row, and the last signal that it says uses it.
    private typealias Use = (id: Int64, lastSignal: Int64)

    init(_ db: Database) { self.db = db }

    mutating func forget() {
        templates.forget()
        labels.forget()
        forgetNames()
    }

    /// Forgets what is swept when no signal uses it any more.
    mutating func forgetNames() {
        entities.forget()
        parties.forget()
        inputs.forget()
    }

    mutating func id(of template: Message.Template) throws -> Int64 {
        let key = TemplateKey(template: template)
        if let id = templates[key] { return id }
        let id = try find(
            "templates", ["summary", "patterns", "hints"]
        ) {
            $0.add(template.summary)
            $0.add(StringArray.json(template.patterns))
            $0.add(StringArray.json(template.hints))
        }
        templates[key] = id
        return id
    }

    mutating func id(ofLabel label: String, category: SignalCategory) throws -> Int64 {
        let key = LabelKey(label: label, category: category)
        if let id = labels[key] { return id }
        let id = try find("labels", ["semantic_label", "signal_category"]) {
            $0.add(label)
            $0.add(category.rawValue)
        }
        labels[key] = id
        return id
    }

    mutating func id(of entity: Entity) throws -> Int64 {
        // Which process it is stands in the signal's row.
        let key = EntityKey(kind: entity.kind, id: entity.kind == .process ? "" : entity.id, name: entity.name)
        if let id = entities[key] { return id }
        let id = try find("entities", ["name", "kind", "key"]) {
            $0.add(entity.name)
            $0.add(entity.kind.rawValue)
            $0.add(key.id)
        }
        entities[key] = id
        return id
    }

    /// - Parameter signal: Who names it.
    mutating func id(of party: FindingDetails.Party, signal: Int64) throws -> Int64 {
        if let use = parties[party], signal < use.lastSignal + Self.behind { return use.id }
        let id = try find("parties", ["comm", "cgroup", "measure"]) {
            $0.add(party.comm)
            $0.add(party.cgroup)
            $0.add(party.measure)
        }
        try note(signal, uses: id, of: "parties")
        parties[party] = (id, signal)
        return id
    }

    /// - Parameter signal: Who names it.
    mutating func id(of input: FindingDetails.Input, signal: Int64) throws -> Int64 {
        if let use = inputs[input], signal < use.lastSignal + Self.behind { return use.id }
        let id = try find("inputs", ["metric", "unit", "window", "threshold"]) {
            $0.add(input.metric)
            $0.add(input.unit)
            $0.add(input.window)
            $0.add(input.threshold)
        }
        try note(signal, uses: id, of: "inputs")
        inputs[input] = (id, signal)
        return id
    }

    private func find(_ table: String, _ columns: [String], _ bind: (inout Binder) -> Void) throws -> Int64 {
        // IS: a threshold may be missing.
        let matches = columns.map { "\($0) IS ?" }.joined(separator: " AND ")
        var found: Int64?
        try db.cachedStatement(sql: "SELECT id FROM \(table) WHERE \(matches)").rows(bind) { found = $0.int(0) }
        if let found { return found }
        let names = columns.joined(separator: ", ")
        let places = columns.map { _ in "?" }.joined(separator: ", ")
        try db.cachedStatement(sql: "INSERT INTO \(table) (\(names)) VALUES (\(places))").run(bind)
        return db.lastInsertedRowID
    }

    private func note(_ signal: Int64, uses id: Int64, of table: String) throws {
        try db.cachedStatement(sql: "UPDATE \(table) SET last_signal = max(last_signal, ?) WHERE id = ?").run {
            $0.add(signal)
            $0.add(id)
        }
    }
}

/// By its summary, which tells nearly all of them apart: hashing the other texts would cost more than all else.
private struct TemplateKey: Hashable {
    var template: Message.Template

    func hash(into hasher: inout Hasher) { hasher.combine(template.summary) }
}

/// Unlike an entity it is another one under another name.
private struct EntityKey: Hashable {
    var kind: Entity.Kind
    var id: String
    var name: String
}

private struct LabelKey: Hashable {
    var label: String
    var category: SignalCategory
}

/// What was found before; everything is forgotten when there is too much of it.
private struct Remembered<Key: Hashable, Value> {
    private var values: [Key: Value] = [:]

    subscript(_ key: Key) -> Value? {
        get { values[key] }
        set {
            if values.count >= 4096 { forget() }
            values[key] = newValue
        }
    }

    mutating func forget() { values.removeAll(keepingCapacity: true) }
}
