/// Everything that is wrong with a configuration, in the order of its lines. Never empty.
public struct SettingsErrors: Error, Sendable, Equatable, CustomStringConvertible {
    public var errors: [SettingsError]

    /// One error a line.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// One thing that is wrong: `config.yaml:LINE: KEY: what is wrong, what is allowed`.
public struct SettingsError: Sendable, Equatable, CustomStringConvertible {
    public var file: String
    /// From 1; `nil` when the file could not be read at all.
    public var line: Int?
    /// Dotted; `nil` when the text is not YAML.
    public var key: String?
    /// What is wrong and what is allowed. One line.
    public var problem: String

    /// The line that people see.
    public var description: String {
        [line.map { "\(file):\($0)" } ?? file, key, problem].compactMap(\.self).joined(separator: ": ")
    }
}
