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
        self.values = Array(values.prefix(10))
        for (index, value) in self.values.enumerated() where value.utf8.contains(where: Self.isBrace) {
            self.values[index] = String(value.map { $0 == "{" ? "❴" : $0 == "}" ? "❵" : $0 })
        }
    }

    /// Joins what another message was made of, whose values have no braces any more.
    public init(_ template: Template, stored values: [String]) {
        self.template = template
        self.values = values
    }

    private static func isBrace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") }

    /// The sentence with its values.
    public var summary: String { render(template.summary) }
    /// The patterns with their values.
    public var patterns: [String] { template.patterns.map(render) }
    /// The hints with their values.
    public var hints: [String] { template.hints.map(render) }

    /// Works on bytes, not characters: a brace is a byte of its own, whatever stands beside it.
    private func render(_ text: String) -> String {
        var text = text
        var result: [UInt8] = []
        text.withUTF8 { text in
            result.reserveCapacity(text.count + 64)
            var start = 0
            while let open = text[start...].firstIndex(of: UInt8(ascii: "{")) {
                result.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<open]))
                let position = open + 1 < text.count ? Int(text[open + 1]) - 48 : -1
                if values.indices.contains(position), open + 2 < text.count, text[open + 2] == UInt8(ascii: "}") {
                    result.append(contentsOf: values[position].utf8)
                    start = open + 3
                } else {
                    result.append(text[open])
                    start = open + 1
                }
            }
            result.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
        }
        return String(decoding: result, as: UTF8.self)
    }
}
