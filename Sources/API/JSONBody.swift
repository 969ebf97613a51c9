import FastCGI
import Foundation

/// The members of a request's JSON object. An endpoint takes those it knows, each with its check, and then calls `finish`,
/// which reports everything that is wrong at once, members that nobody took included.
struct JSONBody {
    private let members: [String: Value]
    private var taken: [String] = []
    private var faults: [Problem.Fault] = []

    /// A member's value; deeper structure is nobody's here.
    private enum Value: Decodable, CustomStringConvertible {
        case text(String)
        case number(Double)
        case other(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let truth = try? container.decode(Bool.self) {
                self = .other("\(truth)")
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .other(container.decodeNil() ? "null" : "a list or an object")
            }
        }

        var description: String {
            switch self {
            case .text(let text), .other(let text): text
            case .number(let number): "\(number)"
            }
        }
    }

    init(_ request: Request) throws(Problem) {
        let type = request.parameter("CONTENT_TYPE") ?? ""
        let media = type.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        guard media == "application/json" else { throw .unsupportedMediaType(type) }
        do {
            members = try JSONDecoder().decode([String: Value].self, from: Data(request.body))
        } catch {
            throw .malformedBody()
        }
    }

    /// One of a fixed set of names; it must be there.
    mutating func choice<Choice>(_ name: String, _ allowed: [(String, Choice)]) -> Choice? {
        let names = allowed.map(\.0).joined(separator: ", ")
        guard let value = take(name) else {
            fault(name, "", "is needed; one of \(names)")
            return nil
        }
        guard case .text(let text) = value, let match = allowed.first(where: { $0.0 == text }) else {
            fault(name, value.description, "must be one of \(names)")
            return nil
        }
        return match.1
    }

    /// A number within bounds, or `nil` when it was not sent.
    mutating func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
        guard let value = take(name) else { return nil }
        guard case .number(let number) = value, range.contains(number) else {
            fault(
                name, value.description,
                "must be a number from \(Self.plain(range.lowerBound)) to \(Self.plain(range.upperBound))")
            return nil
        }
        return number
    }

    /// Throws what is wrong, all of it.
    mutating func finish() throws(Problem) {
        for name in members.keys.sorted() where !taken.contains(name) {
            fault(
                name, members[name]?.description ?? "",
                "is not a member of this request; known are \(taken.joined(separator: ", "))")
        }
        if !faults.isEmpty { throw .badParameters(faults) }
    }

    private mutating func take(_ name: String) -> Value? {
        taken.append(name)
        return members[name]
    }

    private mutating func fault(_ name: String, _ value: String, _ detail: String) {
        faults.append(
            .init(parameter: QueryString.shortened(name), value: QueryString.shortened(value), detail: detail))
    }

    private static func plain(_ number: Double) -> String { "\(Int(number))" }
}

extension Problem {
    fileprivate static func unsupportedMediaType(_ type: String) -> Problem {
        Problem(
            status: 415, code: "unsupported-media-type", title: "The request body is of another type",
            detail:
                "\(type.isEmpty ? "No Content-Type" : QueryString.shortened(type)) was sent; send application/json.",
            headers: [("Accept-Post", "application/json")])
    }

    fileprivate static func malformedBody() -> Problem {
        Problem(
            status: 400, code: "malformed-body", title: "The request body cannot be read",
            detail: "It must be one JSON object in UTF-8.")
    }
}
