import Model

/// The parameters of one request. An endpoint takes those it knows, each with its check, and then calls `finish`, which
/// reports everything that is wrong at once, parameters that nobody took included.
struct Parameters {
    private let given: [(name: String, value: String)]
    private var taken: [String] = []
    private var faults: [Problem.Fault] = []

    init(_ query: String) throws(Problem) { given = try QueryString.parse(query) }

    /// Whether a parameter was sent, with whatever value.
    func has(_ name: String) -> Bool { given.contains { $0.name == name } }

    /// An integer within bounds, or the default.
    mutating func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) -> Int {
        integer(name, in: range) ?? standard
    }

    /// An integer within bounds, or `nil` when none was sent.
    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = take(name) else { return nil }
        guard let value = Self.decimal(text), range.contains(value) else {
            fault(name, text, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    /// One of a fixed set of names, or `nil` when it was not sent.
    mutating func choice<Value>(_ name: String, _ allowed: [(String, Value)]) -> Value? {
        guard let text = take(name) else { return nil }
        guard let match = allowed.first(where: { $0.0 == text }) else {
            fault(name, text, "must be one of " + allowed.map(\.0).joined(separator: ", "))
            return nil
        }
        return match.1
    }

    /// A time: RFC 3339, or nanoseconds since 1970. Years 1970 to 2261, so that every later sum fits 64 bits.
    mutating func time(_ name: String) -> Timestamp? {
        guard let text = take(name) else { return nil }
        let time =
            Self.decimal(text).map { Timestamp(nanoseconds: Int64($0)) } ?? Timestamp(rfc3339: text)
            // In a query string a + is a space.
            ?? Timestamp(rfc3339: text.replacing(" ", with: "+"))
        guard let time, (0..<Self.year2262).contains(time.nanoseconds) else {
            fault(
                name, text,
                "must be a time of the years 1970 to 2261, such as 2026-01-31T12:00:00Z or nanoseconds since 1970")
            return nil
        }
        return time
    }

    private static let year2262: Int64 = 9_214_646_400_000_000_000

    /// Text of at most `length` characters that satisfies `isValid`; `form` describes that to people.
    mutating func text<Value>(_ name: String, length: Int, form: String, _ read: (String) -> Value?) -> Value? {
        guard let text = take(name) else { return nil }
        guard text.unicodeScalars.count <= length, let value = read(text) else {
            fault(name, text, "must be \(form), at most \(length) characters")
            return nil
        }
        return value
    }

    /// Adds a fault that only the endpoint can see, such as a window that ends before it starts.
    mutating func fault(_ name: String, _ value: String, _ detail: String) {
        faults.append(
            .init(parameter: QueryString.shortened(name), value: QueryString.shortened(value), detail: detail))
    }

    /// Throws what is wrong, all of it.
    mutating func finish() throws(Problem) {
        var seen: Set<String> = []
        for (name, value) in given where seen.insert(name).inserted && !taken.contains(name) {
            let known = taken.isEmpty ? "there are none here" : "known are " + taken.joined(separator: ", ")
            fault(name, value, "is not a parameter of this endpoint; \(known)")
        }
        if !faults.isEmpty { throw .badParameters(faults) }
    }

    private mutating func take(_ name: String) -> String? {
        taken.append(name)
        let values = given.filter { $0.name == name }
        if values.count > 1 { fault(name, values[1].value, "is given \(values.count) times; give it once") }
        return values.first?.value
    }

    /// Plain decimal digits with an optional minus; no plus, no spaces, no other scripts.
    private static func decimal(_ text: String) -> Int? {
        guard text.utf8.count <= 20, !text.hasPrefix("+") else { return nil }
        return Int(text)
    }
}
