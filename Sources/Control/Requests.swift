import Model

extension ControlRequest {
    /// What the collector answers, or `nil` when none listens there. Waits up to `timeout` seconds.
    public func ask(at path: String, timeout: Int) throws(ControlFailure) -> ControlReply? {
        guard let line = try ControlClient.ask(line, at: path, timeout: timeout) else { return nil }
        guard let reply = ControlReply(line: line) else { throw .noProperReply(path) }
        return reply
    }
}

extension AgentMessage {
    /// What the agent answers, or `nil` when none listens there. Waits up to `timeout` seconds.
    public func ask(at path: String, timeout: Int) throws(ControlFailure) -> AgentReply? {
        guard let line = try ControlClient.ask(line, at: path, timeout: timeout) else { return nil }
        guard let reply = AgentReply(line: line) else { throw .noProperReply(path) }
        return reply
    }
}
