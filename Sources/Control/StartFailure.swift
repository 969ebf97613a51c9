/// What keeps a daemon from starting: one line that says what to do.
public struct StartFailure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
