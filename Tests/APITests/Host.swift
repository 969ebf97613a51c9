import FastCGI
import Foundation
import Model
import Store
import Testing

@testable import API

/// A host with a database of its own, written by the real writer, and a service that reads it.
final class Host {
    /// 2026-11-25T03:00:00Z
    static let now = Timestamp(nanoseconds: 1_795_575_600_000_000_000)

    let path: String
    var service: Service
    private var writer: Writer?
    private let directory: URL

    init(withDatabase: Bool = true, now: Timestamp = Host.now) throws {
        directory = URL(filePath: NSTemporaryDirectory()).appending(path: "api-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        path = directory.appending(path: "kernelsight.db").path
        service = Service(reader: Reader(path: path, connections: 2), clock: { now })
        service.diskSpace = { DiskSpace(directory: "/data/", freeBytes: 9_000_000_000, totalBytes: 10_000_000_000) }
        if withDatabase {
            try write(components: [ComponentState(component: "syscall_tracer", status: .ok, message: "attached")])
        }
    }

    deinit {
        writer?.close()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Commits one tick.
    func write(
        at time: Timestamp = Host.now, episodes: [Episode] = [], processes: [ProcessActivity] = [],
        components: [ComponentState] = [], samples: [MetricSample] = [], histograms: [HistogramSample] = [],
        baselines: [String: String] = [:], completeness: String? = nil
    ) throws {
        try startWriter()
        writer?.submit(
            TickRecord(
                time: time, samples: samples, histograms: histograms, episodes: episodes, processes: processes,
                components: components, baselines: baselines, completeness: completeness))
        try writer?.flush()
    }

    /// Creates the database, unless it is there; writes nothing.
    func startWriter() throws { if writer == nil { writer = try Writer(path: path) } }

    func stopWriter() {
        writer?.close()
        writer = nil
    }

    func get(_ path: String, query: String = "", method: String = "GET", headers: [(String, String)] = []) -> Answer {
        let parameters = [("REQUEST_METHOD", method), ("DOCUMENT_URI", path), ("QUERY_STRING", query)] + headers
        let request = Request(parameters: parameters.map { (name: $0.0, value: $0.1) })
        return documented(Answer(response: service.respond(to: request)), method, path)
    }

    private func documented(_ answer: Answer, _ method: String, _ path: String) -> Answer {
        if let fault = Contract.fault(of: answer, to: method, path) { Issue.record(Comment(rawValue: fault)) }
        return answer
    }

    func post(
        _ path: String, _ body: String, type: String = "application/json", query: String = ""
    ) -> Answer {
        let parameters = [
            ("REQUEST_METHOD", "POST"), ("DOCUMENT_URI", path), ("QUERY_STRING", query), ("CONTENT_TYPE", type),
        ]
        let request = Request(parameters: parameters.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8))
        return documented(Answer(response: service.respond(to: request)), "POST", path)
    }

    static func episode(
        _ id: Int64, type: SignalType = .scheduler, entity: Entity? = nil, state: Episode.State = .open,
        severity: Severity = .high, opened: Timestamp = Host.now, summary: String = "{0} waits for a CPU",
        comm: String = "stress-ng"
    ) -> Episode {
        let culprit = ProcessIdentity(pid: 77, startTicks: 900)
        let victim = ProcessIdentity(pid: 1234, startTicks: 567_890)
        return Episode(
            id: id, key: .init(type: type, entity: entity ?? .process(victim, name: "nginx"), label: "cpu_starvation"),
            state: state, opened: opened, lastSeen: opened,
            closed: state == .closed ? opened.advanced(bySeconds: 5) : nil,
            peak: Grade(severity: severity, score: 0.8), current: Grade(severity: .low, score: 0.2), occurrences: 3,
            finding: Finding(
                message: Message(.init(summary: summary, patterns: ["{0} starves"], hints: ["renice {0}"]), [comm]),
                evidence: [Evidence(metric: "runq.wait", value: 12, unit: "ms", threshold: 10, window: 1)],
                culprits: [Culprit(process: culprit, comm: comm, cgroup: "/", share: 0.9, measure: "CPU time")],
                victims: [
                    Victim(
                        process: victim, comm: "nginx", cgroup: "/", stallMillisecondsPerSecond: 120,
                        stall: "run-queue wait")
                ]))
    }
}

/// Polls until the condition holds, for ten seconds; says whether it held.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while try !condition() {
        if ContinuousClock.now > deadline { return false }
        usleep(5000)
    }
    return true
}

/// A reply, read as JSON.
struct Answer {
    var response: Response

    var status: Int { response.status }
    func header(_ name: String) -> String? { response.headers.first { $0.name == name }?.value }

    /// The value at a path such as `signals.0.entity.name`; numbers as they are in JSON.
    subscript(path: String) -> JSONValue? {
        guard let root = try? JSONDecoder().decode(JSONValue.self, from: Data(response.body)) else { return nil }
        return path.split(separator: ".").reduce(Optional(root)) { value, key in
            switch value {
            case .object(let members): members[String(key)]
            case .array(let elements): Int(key).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: nil
            }
        }
    }

    /// The object in `list` whose member `component` has this name.
    func component(_ name: String, of list: String) -> [String: JSONValue]? {
        guard case .array(let elements) = self[list] else { return nil }
        for case .object(let members) in elements where members["component"] == .string(name) { return members }
        return nil
    }

    /// A number, whole or not.
    func number(_ path: String) -> Double? {
        switch self[path] {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// A string; empty when there is none.
    func text(_ path: String) -> String {
        if case .string(let text) = self[path] { return text }
        return ""
    }

    func count(_ path: String) -> Int? {
        if case .array(let elements) = self[path] { return elements.count }
        return nil
    }

    var faults: [String] {
        guard case .array(let errors) = self["errors"] else { return [] }
        return errors.compactMap { error in
            if case .object(let members) = error, case .string(let name) = members["parameter"] { return name }
            return nil
        }
    }
}

enum JSONValue: Decodable, Equatable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    case null, bool(Bool), integer(Int64), number(Double), string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }
}
