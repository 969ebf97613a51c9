import Model
import Store

/// A cycle of the past, decided again: what was found then, and what the rules of today make of the same data.
public struct Replay: Sendable {
    public struct Phase: Sendable {
        public var name: String
        public var then: String
        public var now: String
    }

    public var phases: [Phase]

    /// OBSERVE to DECIDE, as far as the cycle went. Throws where what it looked at cannot be read, as it was written by
    /// another version.
    public init(_ cycle: AgentCycle, _ configuration: Agent.Configuration) throws {
        phases = []
        func add(_ name: String, _ now: String) {
            phases.append(Phase(name: name, then: cycle.phase(name)?.message ?? "not reached", now: now))
        }
        guard let first = cycle.phase("OBSERVE") else { return }
        let observed = Observe.run(try JSON.value(first.input, as: Observe.Input.self))
        let problems = observed.problems
        add("OBSERVE", observed.message)
        guard !problems.isEmpty else { return }
        guard let second = cycle.phase("EXPLAIN") else { return }
        let explanation = Explain.run(observed, try JSON.value(second.input, as: [Set<ProcessIdentity>].self))
        add("EXPLAIN", explanation.message)
        // What the host was like was only looked at when there was a problem then.
        guard let third = cycle.phase("SIMULATE"), let fourth = cycle.phase("DECIDE") else { return }
        let scene = try JSON.value(third.input, as: Scene.self)
        let outlook = Simulate.run(Simulate.Input(problems, explanation, scene, configuration.thresholds))
        add("SIMULATE", outlook.message)
        add("DECIDE", Decide.run(Decide.Input(outlook, scene, configuration.policy, now: fourth.started)).message)
    }
}

extension AgentCycle {
    fileprivate func phase(_ name: String) -> Phase? { phases.first { $0.name == name } }
}
