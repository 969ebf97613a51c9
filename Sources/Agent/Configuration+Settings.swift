import Model
import Settings

extension Agent.Configuration {
    /// What the configuration file says.
    public init(_ settings: Settings) {
        self.init()
        let agent = settings.agent
        policy.mode = agent.mode
        // What only looks is always there.
        policy.enabled = Set(agent.enabled + ActionKind.allCases.filter(\.isReadOnly))
        policy.unattended = Set(agent.unattended)
        policy.protected = Set(agent.protected)
        policy.confidenceFloor = agent.confidenceFloor
        policy.coolDown = agent.coolDownSeconds
        policy.coolDownAfterFailure = agent.coolDownAfterFailureSeconds
        policy.mostPerHour = agent.mostActionsPerHour
        thresholds = settings.thresholds
        freshness = settings.api.freshnessLimitSeconds
        interval = Double(agent.cycleIntervalSeconds)
        settle = agent.settleSeconds
        expiry = agent.approvalSeconds
        undoesOnStop = agent.undoesOnStop
    }
}
