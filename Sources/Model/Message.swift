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
        let utf8 = text.utf8
        var start = utf8.startIndex
        // Bytes, not characters: whatever stands beside a brace, the brace is a byte of its own.
        while let open = utf8[start...].firstIndex(of: UInt8(ascii: "{")) {
            result += text[start..<open]
            let placeholder = utf8[open...].prefix(3)
            if placeholder.count == 3, placeholder.last == UInt8(ascii: "}"), let digit = placeholder.dropFirst().first,
                case let position = Int(digit) - 48, values.indices.contains(position)
            {
                result += values[position]
                start = placeholder.endIndex
            } else {
                result += "{"
                start = utf8.index(after: open)
            }
        }
        return result + text[start...]
    }
}
