import GRDB
import Model

/// Finds or makes the ids of what signals share. Ids are remembered up to a bound, and forgotten when the transaction
/// that made them fails.
struct Interner {
    private static let remembered = 4096

    private let db: Database
    private var templates: [Message.Template: Int64] = [:]
    private var labels: [String: Int64] = [:]
    private var entities: [String: Int64] = [:]

    init(_ db: Database) { self.db = db }

    mutating func forget() {
        templates.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
        forgetEntities()
    }

    mutating func forgetEntities() { entities.removeAll(keepingCapacity: true) }

    mutating func id(of template: Message.Template) throws -> Int64 {
        if let id = templates[template] { return id }
        let id = try find(
            "templates", ["summary", "patterns", "hints"],
            [template.summary, jsonArray(template.patterns), jsonArray(template.hints)])
        if templates.count >= Self.remembered { templates.removeAll(keepingCapacity: true) }
        templates[template] = id
        return id
    }

    mutating func id(ofLabel label: String, category: SignalCategory) throws -> Int64 {
        let key = "\(category.rawValue)\n\(label)"
        if let id = labels[key] { return id }
        let id = try find("labels", ["semantic_label", "signal_category"], [label, category.rawValue])
        if labels.count >= Self.remembered { labels.removeAll(keepingCapacity: true) }
        labels[key] = id
        return id
    }

    mutating func id(of entity: Entity) throws -> Int64 {
        let stored = entity.kind == .process ? "" : entity.id
        let key = "\(entity.kind.rawValue)\n\(stored)\n\(entity.name)"
        if let id = entities[key] { return id }
        let id = try find("entities", ["name", "kind", "key"], [entity.name, entity.kind.rawValue, stored])
        if entities.count >= Self.remembered { forgetEntities() }
        entities[key] = id
        return id
    }

    private func find(_ table: String, _ columns: [String], _ values: [String]) throws -> Int64 {
        let matches = columns.map { "\($0) = ?" }.joined(separator: " AND ")
        let arguments = StatementArguments(values)
        let select = try db.cachedStatement(sql: "SELECT id FROM \(table) WHERE \(matches)")
        if let id = try Int64.fetchOne(select, arguments: arguments) { return id }
        let names = columns.joined(separator: ", ")
        let places = columns.map { _ in "?" }.joined(separator: ", ")
        try db.cachedStatement(sql: "INSERT INTO \(table) (\(names)) VALUES (\(places))").execute(arguments: arguments)
        return db.lastInsertedRowID
    }
}

/// A JSON array of strings.
func jsonArray(_ strings: [String]) -> String {
    var json = JSONWriter(capacity: 128)
    json.array { json in for string in strings { json.element(string) } }
    return json.text
}
