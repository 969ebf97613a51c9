/// How far the agent goes by itself.
public enum AgentMode: String, CaseIterable, Sendable, Codable {
    /// Decides and changes nothing.
    case observe
    /// A person says yes or no to each decision.
    case approve
    /// Acts, and takes back what did not help.
    case auto
}
