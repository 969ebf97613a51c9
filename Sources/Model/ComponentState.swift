/// How one part of the collector does, as a row that `/api/diagnostics` and `/api/health` read.
public struct ComponentState: Sendable {
    public enum Status: String, Sendable, CaseIterable, Codable { case ok, warning, error }

    /// `syscall_tracer`, `readers`, `writer`, `retention`, `detection`.
    public var component: String
    public var status: Status
    /// One line for people: what it does, or what is wrong and what to do.
    public var message: String
    /// Everything else, as a JSON object.
    public var detail: String

    public init(component: String, status: Status, message: String, detail: String = "{}") {
        self.component = component
        self.status = status
        self.message = message
        self.detail = detail
    }

    /// The part as it can be shown now. What it said when the collector was last heard of is no news: without fresh data a
    /// part is at best a warning.
    public func shown(with data: Freshness) -> ComponentState {
        var state = self
        if data.isStale, status == .ok { state.status = .warning }
        return state
    }
}
