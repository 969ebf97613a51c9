/// Text for people, kept as templates and the values that go into them: what repeats is stored once.
///
/// A template names its values by position: `{0} waits {1} ms for a CPU`.
public struct Message: Hashable, Sendable {
    /// What is the same every time; interned in the database.
    public struct Template: Hashable, Sendable {
        /// One plain sentence.
        public var summary: String
        /// What was recognised, and what to do about this case; they use the same values.
        public var patterns: [String]
        public var hints: [String]

        public init(summary: String, patterns: [String] = [], hints: [String] = []) {
            self.summary = summary
            self.patterns = patterns
            self.hints = hints
        }
    }

    public var template: Template
    public private(set) var values: [String]

    /// Joins a template and its values, at most ten. Values may come from anybody (process names): braces in them are
    /// replaced by look-alikes, so that a value can never pass for a placeholder.
    public init(_ template: Template, _ values: [String]) {
        self.template = template
        self.values = values.prefix(10).map { value in
            value.utf8.contains { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }
                ? String(value.map { $0 == "{" ? "❴" : $0 == "}" ? "❵" : $0 }) : value
        }
    }

    /// The sentence with its values.
    public var summary: String { render(template.summary) }
    /// The patterns with their values.
    public var patterns: [String] { template.patterns.map(render) }
    /// The hints with their values.
    public var hints: [String] { template.hints.map(render) }

    private func render(_ text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            result += rest[..<open]
            let digit = rest.index(after: open)
            if digit < rest.endIndex, let position = rest[digit].wholeNumberValue, position < values.count,
                let close = rest.index(digit, offsetBy: 1, limitedBy: rest.endIndex), close < rest.endIndex,
                rest[close] == "}"
            {
                result += values[position]
                rest = rest[rest.index(after: close)...]
            } else {
                result += "{"
                rest = rest[digit...]
            }
        }
        return result + rest
    }
}
