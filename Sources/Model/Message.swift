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
            value.utf8.contains(UInt8(ascii: "{")) || value.utf8.contains(UInt8(ascii: "}"))
                ? String(value.map { $0 == "{" ? "❴" : $0 == "}" ? "❵" : $0 }) : value
        }
    }

    /// The sentence with its values.
    public var summary: String { render(template.summary) }
    /// The patterns with their values.
    public var patterns: [String] { template.patterns.map(render) }
    /// The hints with their values.
    public var hints: [String] { template.hints.map(render) }

    /// Byte by byte: lists of signals spend most of their time here otherwise.
    private func render(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(values.reduce(text.utf8.count) { $0 + $1.utf8.count })
        var rest = text.utf8[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "{")) {
            result += rest[..<open]
            rest = rest[open...]
            if let position = Self.position(rest), position < values.count {
                result += values[position].utf8
                rest = rest.dropFirst(3)
            } else {
                result.append(UInt8(ascii: "{"))
                rest = rest.dropFirst()
            }
        }
        result += rest
        return String(decoding: result, as: UTF8.self)
    }

    /// The number in a placeholder `{0}` to `{9}` at the start of `text`.
    private static func position(_ text: Substring.UTF8View) -> Int? {
        var text = text.dropFirst()
        guard let digit = text.popFirst(), (48...57).contains(digit), text.first == UInt8(ascii: "}") else {
            return nil
        }
        return Int(digit - 48)
    }
}
