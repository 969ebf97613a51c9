import API
import ArgumentParser
import FastCGI
import Foundation
import Settings
import Store

/// Where answers come from: the API, or, without it, the database itself. Both say the same in the same words.
struct SourceOptions: ParsableArguments {
    @Option(help: "The API's address.")
    var api = "http://127.0.0.1:8080"

    @Option(
        name: [.customLong("db"), .customLong("database")],
        help: "Reads this database instead of asking the API: it need not run.")
    var database: String?

    @Option(
        help: "With --db, the configuration that says what counts as old. Default: config.yaml here, if there is one.")
    var config: String?

    /// The body of a reply to a GET, or to a POST of `body`; what the API refuses is thrown in its words.
    func ask(_ path: String, _ query: [(name: String, value: String)] = [], body: Data? = nil) throws -> Data {
        let text = query.map { "\($0.name)=\(Self.encoded($0.value))" }.joined(separator: "&")
        let reply =
            try database.map { try local($0, path, text, body) } ?? HTTPQuestion.ask(api, path, text, body: body)
        guard (200..<300).contains(reply.status) || path.hasPrefix("/api/health") else {
            let problem = try? JSONDecoder().decode(ProblemReply.self, from: reply.body)
            throw Failure(problem?.sentence ?? "\(path) answered \(reply.status)")
        }
        return reply.body
    }

    /// The same, read.
    func ask<Answer: Decodable>(
        _ type: Answer.Type, _ path: String, _ query: [(name: String, value: String)] = []
    ) throws -> Answer {
        try read(type, try ask(path, query), of: path)
    }

    /// What a body says.
    func read<Answer: Decodable>(_ type: Answer.Type, _ body: Data, of path: String) throws -> Answer {
        do {
            return try Replies.decoder.decode(type, from: body)
        } catch {
            throw Failure("\(path) answered something that this version does not understand: \(error)")
        }
    }

    private func local(
        _ database: String, _ path: String, _ query: String, _ body: Data?
    ) throws -> (status: Int, body: Data) {
        let settings = try Settings.load(path: config)
        let service = Service(
            reader: Reader(path: database, connections: 1), staleAfterSeconds: { settings.api.freshnessLimitSeconds },
            thresholds: { settings.thresholds })
        let request = Request(
            parameters: [
                ("REQUEST_METHOD", body == nil ? "GET" : "POST"), ("DOCUMENT_URI", path), ("QUERY_STRING", query),
                ("CONTENT_TYPE", "application/json"),
            ], body: Array(body ?? Data()))
        let response = service.respond(to: request)
        return (response.status, Data(response.body))
    }

    private static func encoded(_ value: String) -> String {
        value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? value
    }
}

/// A problem document, as far as people read it.
private struct ProblemReply: Decodable {
    struct Fault: Decodable {
        var parameter: String
        var detail: String
    }

    var detail: String
    var errors: [Fault]?

    var sentence: String {
        guard let errors, !errors.isEmpty else { return detail }
        return errors.map { "\($0.parameter) \($0.detail)" }.joined(separator: "; ")
    }
}
