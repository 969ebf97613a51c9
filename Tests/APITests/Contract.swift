import Foundation
import Testing

@testable import API

/// What `nginx/openapi.json` says of every reply. `Host` holds each answer against it, so that every test of an endpoint is one of
/// the document as well.
enum Contract {
    static let document: JSONValue = {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        guard let data = try? Data(contentsOf: sources.appending(path: "nginx/openapi.json")),
            let document = try? JSONDecoder().decode(JSONValue.self, from: data)
        else { return .null }
        return document
    }()

    static var paths: [String] { document["paths"]?.members.keys.sorted() ?? [] }

    /// What is wrong with an answer; `nil` when nothing is.
    static func fault(of answer: Answer, to method: String, _ path: String) -> String? {
        guard answer.status != 204 && answer.status != 304 else { return answer.response.body.isEmpty ? nil : "a body" }
        let name = "\(method) \(path) \(answer.status)"
        let type = answer.header("Content-Type") ?? ""
        guard type.contains("json") else {
            return isDocumented(type, of: answer, method, path) ? nil : "\(name): \(type)"
        }
        guard let body = try? JSONDecoder().decode(JSONValue.self, from: Data(answer.response.body)) else {
            return "\(name): no JSON"
        }
        // HEAD is GET without the body, which is dropped later; what cannot be asked so is a problem.
        guard let template = template(of: path),
            let operation = document["paths"]?[template]?[method == "HEAD" ? "get" : method.lowercased()]
        else { return problem(in: body, of: name) }
        guard var response = operation["responses"]?["\(answer.status)"] else { return "\(name) is not documented" }
        if let reference = response["$ref"] { response = resolve(reference) ?? .null }
        guard let schema = response["content"]?[type]?["schema"] else { return "\(name): \(type) is not documented" }
        return fault(of: body, schema, at: name)
    }

    /// What is no JSON is text, of which the document says no more.
    private static func isDocumented(_ type: String, of answer: Answer, _ method: String, _ path: String) -> Bool {
        let operation = document["paths"]?[path]?[method == "HEAD" ? "get" : method.lowercased()]
        return operation?["responses"]?["\(answer.status)"]?["content"]?[type] != nil
    }

    private static func problem(in body: JSONValue, of name: String) -> String? {
        guard let schema = document["components"]?["schemas"]?["Problem"] else { return "there is no schema Problem" }
        return fault(of: body, schema, at: name)
    }

    private static func template(of path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return paths.filter { template in
            let places = template.split(separator: "/", omittingEmptySubsequences: false)
            return places.count == parts.count && zip(places, parts).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
        }.min { $0.count(where: { $0 == "{" }) < $1.count(where: { $0 == "{" }) }
    }

    static func resolve(_ reference: JSONValue) -> JSONValue? {
        guard case .string(let text) = reference else { return nil }
        return text.dropFirst(2).split(separator: "/").reduce(Optional(document)) { $0?[String($1)] }
    }

    private static let understood: Set<String> = [
        "$ref", "oneOf", "type", "enum", "minimum", "maximum", "required", "properties", "additionalProperties",
        "items",
        // What says nothing about a value.
        "description", "format", "default",
    ]

    /// The parts of JSON Schema that the document uses; any other is a fault of this checker.
    private static func fault(of value: JSONValue, _ schema: JSONValue, at place: String) -> String? {
        if let word = schema.members.keys.first(where: { !understood.contains($0) }) {
            return "\(place): \(word) is not checked"
        }
        if let reference = schema["$ref"] {
            guard let schema = resolve(reference) else { return "\(place): \(reference) is nowhere" }
            return fault(of: value, schema, at: place)
        }
        if let choices = schema["oneOf"]?.elements {
            let faults = choices.map { fault(of: value, $0, at: place) }
            return faults.count { $0 == nil } == 1 ? nil : "\(place): not one of \(choices.count): \(faults)"
        }
        if let types = schema["type"], !types.alternatives.contains(where: value.isOf) {
            return "\(place): \(value.shortened) is not \(types.alternatives)"
        }
        if let allowed = schema["enum"]?.elements, !allowed.contains(value) {
            return "\(place): \(value.shortened) is not among \(allowed)"
        }
        if let least = schema["minimum"]?.double, let number = value.double, number < least {
            return "\(place): \(number) < \(least)"
        }
        if let most = schema["maximum"]?.double, let number = value.double, number > most {
            return "\(place): \(number) > \(most)"
        }
        switch value {
        case .object(let members):
            for name in schema["required"]?.elements ?? [] {
                if case .string(let name) = name, members[name] == nil { return "\(place): \(name) is missing" }
            }
            for (name, member) in members {
                guard let schema = schema["properties"]?[name] else {
                    if schema["additionalProperties"] == .bool(false) { return "\(place): \(name) is not documented" }
                    continue
                }
                if let fault = fault(of: member, schema, at: "\(place).\(name)") { return fault }
            }
        case .array(let elements):
            guard let schema = schema["items"] else { return nil }
            for (index, element) in elements.enumerated() {
                if let fault = fault(of: element, schema, at: "\(place).\(index)") { return fault }
            }
        default: break
        }
        return nil
    }
}

extension JSONValue {
    subscript(name: String) -> JSONValue? { members[name] }

    var members: [String: JSONValue] {
        if case .object(let members) = self { return members }
        return [:]
    }

    var elements: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// `type` is a name or several.
    fileprivate var alternatives: [String] {
        (elements ?? [self]).compactMap {
            if case .string(let name) = $0 { return name }
            return nil
        }
    }

    fileprivate func isOf(type: String) -> Bool {
        switch (self, type) {
        case (.null, "null"), (.bool, "boolean"), (.string, "string"), (.array, "array"), (.object, "object"),
            (.integer, "integer"), (.integer, "number"), (.number, "number"):
            true
        // Beyond 2^63.
        case (.number(let value), "integer"): value == value.rounded()
        default: false
        }
    }

    fileprivate var shortened: String { String("\(self)".prefix(80)) }
}
