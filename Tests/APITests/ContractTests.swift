import Foundation
import Model
import Testing

@testable import API

/// The document itself.
struct ContractTests {
    /// An answer with every parameter that a path's GET has, and what is wrong with it, by parameter.
    private struct Question {
        let host: Host
        let path: String
        /// By name.
        let schemas: [String: JSONValue]

        init(_ host: Host, _ path: String) {
            self.host = host
            self.path = path.replacing("{id}", with: "1")
            let parameters = Contract.document["paths"]?[path]?["get"]?["parameters"]?.elements ?? []
            var schemas: [String: JSONValue] = [:]
            for parameter in parameters where parameter["in"] == "query" {
                guard case .string(let name)? = parameter["name"], let schema = parameter["schema"] else { continue }
                schemas[name] = schema["$ref"].flatMap(Contract.resolve) ?? schema
            }
            self.schemas = schemas
        }

        func answer(_ query: some StringProtocol) -> Answer { host.get(path, query: String(query)) }

        func faults(_ query: String) -> [String: String] {
            var faults: [String: String] = [:]
            for error in answer(query)["errors"]?.elements ?? [] {
                if case .string(let name)? = error["parameter"], case .string(let detail)? = error["detail"] {
                    faults[name] = detail
                }
            }
            return faults
        }
    }

    private static let asked = Contract.paths.filter { Contract.document["paths"]?[$0]?["get"] != nil }

    @Test(arguments: asked) func `a path's parameters are those of the document, with its bounds, names and defaults`(
        path: String
    ) throws {
        let host = try Host()
        try host.write(
            episodes: (1...30).map { Host.episode($0) },
            processes: (1...30).map { ProcessActivity(identity: .init(pid: $0, startTicks: 1), comm: "a") },
            samples: [MetricSample("cpu.busy", 1)])
        let question = Question(host, path)
        let unknown = try #require(question.faults("nonsense=1")["nonsense"])
        let known = unknown.components(separatedBy: "known are ").last?.components(separatedBy: ", ") ?? []
        #expect(Set(unknown.hasSuffix("there are none here") ? [] : known) == Set(question.schemas.keys))
        for (name, schema) in question.schemas {
            for (bound, step) in [("minimum", Int64(-1)), ("maximum", 1)] {
                guard case .integer(let value)? = schema[bound] else { continue }
                #expect(question.faults("\(name)=\(value)")[name] == nil, "\(name)=\(value)")
                #expect(question.faults("\(name)=\(value + step)")[name] != nil, "\(name)=\(value + step)")
            }
            let names = (schema["enum"]?.elements ?? []).compactMap { value -> String? in
                if case .string(let name) = value { return name }
                return nil
            }
            if !names.isEmpty {
                #expect(question.faults("\(name)=?")[name] == "must be one of \(names.joined(separator: ", "))")
            }
            if case .integer(let length)? = schema["maxLength"] {
                #expect(
                    question.faults("\(name)=\(String(repeating: "1", count: Int(length) + 1))")[name] != nil, "\(name)"
                )
            }
            let text: String? =
                switch schema["default"] {
                case .integer(let value)?: "\(value)"
                case .string(let value)?: value
                default: nil
                }
            guard let text else { continue }
            // Of a series what there is, and not which there are.
            let base = path == "/api/series" ? "metric=cpu.busy&" : ""
            let (given, usual) = (question.answer("\(base)\(name)=\(text)"), question.answer(base.dropLast()))
            #expect(given.status == 200 && given.response.body == usual.response.body, "\(name)=\(text)")
            // Where there is more than the default shows, one less is less.
            if name == "limit", let limit = Int(text), ["/api/signals", "/api/processes"].contains(path) {
                #expect(question.answer("limit=\(limit - 1)").response.body != usual.response.body)
            }
        }
    }

    @Test func `every path of the API is documented, and nothing else`() {
        let served = Route.paths + Route.actionPaths
        #expect(Set(Contract.paths) == Set(served))
    }

    @Test func `what is not as documented is found`() throws {
        let host = try Host()
        var answer = host.get("/api/stats")
        #expect(Contract.fault(of: answer, to: "GET", "/api/stats") == nil)
        answer.response.body = Array(#"{"total_signals":"many"}"#.utf8)
        #expect(Contract.fault(of: answer, to: "GET", "/api/stats") != nil)
        answer.response.body = Array(#"{"a":1}"#.utf8)
        #expect(Contract.fault(of: answer, to: "GET", "/api/stats") != nil)
    }
}
