import Foundation
import Model
import Store

/// Writes down a cycle's phases: what went in, what came out, and how long it took.
struct CycleLog {
    private let journal: AgentJournal
    private let cause: String
    private let started = Timestamp.now
    private var id: Int64?
    private var phases: [AgentCycle.Phase] = []
    private var written = 0

    init(_ journal: AgentJournal, cause: String) {
        self.journal = journal
        self.cause = cause
    }

    /// The cycle's row, made when it is first asked for.
    var cycle: Int64 {
        mutating get throws {
            if let id { return id }
            let new = try journal.openCycle(at: started, cause: cause)
            id = new
            return new
        }
    }

    /// - Parameter body: Gives what the phase looked at, beside the result of the one before, and what it found.
    mutating func run<Input: Encodable, Result: PhaseResult>(
        _ phase: String, _ body: () throws -> (input: Input, result: Result)
    ) rethrows -> Result {
        let began = Timestamp.now
        let clock = ContinuousClock.now
        func add(_ duration: Duration, _ input: String?, _ result: String?, _ message: String) {
            let (seconds, attoseconds) = duration.components
            phases.append(
                AgentCycle.Phase(
                    name: phase, started: began,
                    durationNanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000, input: input ?? "null",
                    result: result ?? "null", message: message))
        }
        do {
            let (input, result) = try body()
            let duration = ContinuousClock.now - clock
            add(duration, try? JSON.text(input), try? JSON.text(result), result.message)
            return result
        } catch {
            add(ContinuousClock.now - clock, nil, nil, "failed: \(error)")
            throw error
        }
    }

    /// Writes what there is, before what may take long or be cut off.
    mutating func write() throws { try add(outcome: nil) }

    /// Writes what there is, and how it ended.
    mutating func close(_ outcome: String) throws { try add(outcome: outcome) }

    private mutating func add(outcome: String?) throws {
        try journal.add(phases, to: try cycle, from: written, outcome: outcome, at: .now)
        written += phases.count
        phases = []
    }
}

/// What a phase found.
protocol PhaseResult: Sendable, Hashable, Codable {
    /// In one line, for people.
    var message: String { get }
}

/// What the journal holds as text.
enum JSON {
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // JSON has no such numbers, and a row is not to be lost for one.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func value<Value: Decodable>(_ text: String, as type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode(type, from: Data(text.utf8))
    }
}

/// Whether the wall clock was set since.
struct ClockWatch {
    private let now: @Sendable () -> Timestamp
    private let wall: Timestamp
    private let monotonic = ContinuousClock.now

    /// - Parameter now: The wall clock.
    init(_ now: @escaping @Sendable () -> Timestamp) {
        self.now = now
        wall = now()
    }

    var wasSet: Bool {
        let (seconds, attoseconds) = (ContinuousClock.now - monotonic).components
        return abs(now().seconds(since: wall) - Double(seconds) - Double(attoseconds) / 1e18) > 1
    }
}
