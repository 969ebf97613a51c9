import Model

/// What the phases look at beside the signals, read at one time: with it and the signals a decision can be made again.
struct Scene: Sendable, Codable {
    /// Whom each cause is, as /proc shows them.
    var targets: [ProcessIdentity: Target]
    var ground: Ground
    var past: [Past]
}

extension Simulate.Input {
    init(_ problems: [Problem], _ explanation: Explanation, _ scene: Scene, _ thresholds: Thresholds) {
        self.init(
            problems: problems, causes: explanation.causes, targets: scene.targets, ground: scene.ground,
            thresholds: thresholds)
    }
}

extension Decide.Input {
    init(_ outlook: Simulate.Result, _ scene: Scene, _ policy: Policy, now: Timestamp) {
        self.init(
            candidates: outlook.candidates, dismissed: outlook.dismissed, targets: scene.targets, policy: policy,
            past: scene.past, now: now)
    }
}
