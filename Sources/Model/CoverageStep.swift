/// A tracer looks at more or less from now on, for what it costs.
public struct CoverageStep: Sendable, Equatable {
    public var tracer: TracerName
    public var from: Coverage
    public var to: Coverage
    public var reason: String

    public init(_ tracer: TracerName, from: Coverage, to: Coverage, reason: String) {
        self.tracer = tracer
        self.from = from
        self.to = to
        self.reason = reason
    }
}
