/// How bad a signal is. Ordered: `low < medium < high < critical`.
public enum Severity: Int, CaseIterable, Comparable, Sendable, Codable {
    case low = 1
    case medium = 2
    case high = 3
    case critical = 4

    /// The name in the database, in JSON and in query strings.
    public var name: String {
        switch self {
        case .low: "low"
        case .medium: "medium"
        case .high: "high"
        case .critical: "critical"
        }
    }

    /// Finds a severity by its exact name.
    public init?(name: String) {
        guard let match = Severity.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
}
