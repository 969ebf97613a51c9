/// Why a control socket cannot be opened or gave no answer: one line that says what to do.
public struct ControlFailure: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}
