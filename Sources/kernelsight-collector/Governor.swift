import Model

/// Keeps what the collector costs under its budget: decides how much each tracer looks at. A function of its own state, what
/// the last second cost, and monotonic seconds. `docs/governor.md` draws the steps.
struct Governor: Sendable {
    /// What one tracer did in the last second.
    struct Load: Sendable, Equatable {
        var coverage: Coverage
        /// Runs of its hooks, and what one takes; `nil` where no run was timed.
        var runsPerSecond: Double
        var nanosecondsPerRun: Double?
    }

    /// Seconds for which the cost has to be over the budget: one spike is measured whole.
    static let patience = 2.0
    /// Seconds for which there has to be room before a tracer looks at more: twice as long each time that the one before did
    /// not last a minute.
    static let calm = 4.0
    static let longestCalm = 32.0
    static let lasting = 60.0
    /// Seconds between two looks at whether there is room for a tracer that is off.
    static let probeEvery = 2.0
    /// Parts of the budget: where the steps down lead to, and up to where steps up may lead.
    static let target = 0.9
    static let room = 0.7
    /// Part of the budget that is the tracers' however much the rest takes: the floor, below which nothing would be gained.
    static let floor = 0.3
    /// A tracer that costs less than this part of the budget is left alone.
    static let negligible = 0.05
    /// What a run costs until one was timed; and the part of it that is left when one thread in sixteen is measured: 42 of 80 ns,
    /// timed on one machine, most of it the timer and the question whose turn it is.
    static let usualNanoseconds = 80.0
    static let sampledPart = 0.5

    /// What stands in for it says less than detection needs, and a device limits what it costs: it stays whole, and the others
    /// have what it leaves.
    static let ungoverned = TracerName.blockIO
    /// Ticks come a little early or late.
    private static let jitter = 0.5
    /// Fewer timed runs in a second say little: an interrupt in one of them would count for all.
    static let fewestTimed: UInt64 = 16

    /// The weight of the newest second of a sample.
    static let learning = 0.2

    /// Seconds of CPU time in a second.
    var budget: Double
    /// CPU time of all cores in a second.
    let host: Double
    private(set) var tracers: [TracerName: Memory] = [:]
    private var overSince: Double?

    init(budget: Double, host: Double) {
        self.budget = budget
        self.host = host
    }

    /// What is known of a tracer from before.
    struct Memory: Sendable {
        fileprivate(set) var coverage = Coverage.full
        fileprivate var runsPerSecond = 0.0
        fileprivate var nanoseconds: [Coverage: Double] = [:]
        /// For what there has been room, and since when; and for how long there has to be.
        fileprivate var room: (coverage: Coverage, since: Double)?
        fileprivate var calm = Governor.calm
        /// When it came to look at more, and when to look whether it may come back.
        fileprivate var rose = -Double.infinity
        fileprivate var probeAt = 0.0

        /// CPU time in a second, as it is.
        var cost: Double { cost(at: coverage) }

        fileprivate func cost(at coverage: Coverage) -> Double {
            let full = nanoseconds[.full] ?? Governor.usualNanoseconds
            let perRun: Double =
                switch coverage {
                case .full: full
                case .sampled: nanoseconds[.sampled] ?? full * Governor.sampledPart
                case .off: 0
                }
            return runsPerSecond * perRun / 1e9
        }
    }

    /// - Parameters:
    ///   - own: CPU time of the collector itself in the last second.
    ///   - loads: The tracers that could run.
    ///   - now: Monotonic seconds.
    mutating func step(own: Double, loads: [TracerName: Load], at now: Double) -> [CoverageStep] {
        for (name, load) in loads { learn(name, load) }
        tracers = tracers.filter { loads[$0.key] != nil }
        let own = own + ungoverned
        guard cost() <= allowance(1, own) else {
            overSince = overSince ?? now
            guard now - (overSince ?? now) >= Self.patience - Self.jitter else { return [] }
            for name in loads.keys { tracers[name]?.room = nil }
            // The next step needs to know what this one left.
            overSince = nil
            return down(own: own, at: now)
        }
        overSince = nil
        // One at a time: the next one needs to know what this one cost. The scheduler's first, then the cheapest.
        let sampled = tracers.filter { $0.value.coverage == .sampled }
            .sorted {
                ($0.key == .scheduler ? 0 : 1, $0.value.cost(at: .full), $0.key.rawValue)
                    < ($1.key == .scheduler ? 0 : 1, $1.value.cost(at: .full), $1.key.rawValue)
            }
        for (name, _) in sampled {
            if let step = up(name, own: own, at: now) { return [step] }
        }
        return []
    }

    /// Tracers that are off and of which it is time to know what they would cost.
    func toProbe(at now: Double) -> [TracerName] {
        let off = TracerName.allCases.filter { name in
            tracers[name].map { $0.coverage == .off && now >= $0.probeAt } ?? false
        }
        return off.filter { $0 == .scheduler } + off.filter { $0 != .scheduler }
    }

    /// Takes in what a tracer that is off saw when it was let look for a moment.
    mutating func probed(_ name: TracerName, runsPerSecond: Double, own: Double, at now: Double) -> CoverageStep? {
        guard tracers[name]?.coverage == .off else { return nil }
        tracers[name]?.runsPerSecond = runsPerSecond
        tracers[name]?.probeAt = now + Self.probeEvery - Self.jitter
        return up(name, own: own + ungoverned, at: now)
    }

    private mutating func learn(_ name: TracerName, _ load: Load) {
        var memory = tracers[name] ?? Memory()
        memory.coverage = load.coverage
        // While it is off nobody counts.
        if load.coverage != .off {
            memory.runsPerSecond = load.runsPerSecond
            if let nanoseconds = load.nanosecondsPerRun {
                let known = memory.nanoseconds[load.coverage] ?? nanoseconds
                // A sample costs more while it is the busy threads' turn.
                let weight = load.coverage == .full ? 2 * Self.learning : Self.learning
                memory.nanoseconds[load.coverage] = known + (nanoseconds - known) * weight
            }
        }
        tracers[name] = memory
    }

    /// The dearest first, each as far down as it has to go.
    private mutating func down(own: Double, at now: Double) -> [CoverageStep] {
        var steps: [CoverageStep] = []
        let total = own + cost()
        while cost() > allowance(Self.target, own) {
            guard let (name, memory) = nextDown(own) else { break }
            let fits =
                memory.coverage != name.least
                && cost(without: name) + memory.cost(at: .sampled) <= allowance(Self.target, own)
            steps.append(
                move(
                    name, to: fits ? .sampled : .off,
                    "the cost is \(percent(total)) of the budget, \(percent(memory.cost)) of it \(name.rawValue)'s",
                    at: now))
        }
        return steps
    }

    /// The dearest that is worth it. Without the scheduler's tracer nobody knows who is blocked: it goes when it takes too much by
    /// itself, and else after the others.
    private func nextDown(_ own: Double) -> (TracerName, Memory)? {
        let worthIt = governed.filter { $0.value.cost > Self.negligible * budget }
        let dearest = worthIt.filter { $0.key != .scheduler }
            .max { ($0.value.cost, $1.key.rawValue) < ($1.value.cost, $0.key.rawValue) }
        guard let scheduler = worthIt[.scheduler] else { return dearest.map { ($0.key, $0.value) } }
        if let dearest, scheduler.cost <= allowance(Self.target, own) { return (dearest.key, dearest.value) }
        return (.scheduler, scheduler)
    }

    /// As far up as there is room for.
    private mutating func up(_ name: TracerName, own: Double, at now: Double) -> CoverageStep? {
        guard let memory = tracers[name] else { return nil }
        // Where there is not room for all, the others make room for the scheduler's.
        let rest = name == .scheduler ? 0 : cost(without: name)
        let better = memory.coverage == .off ? [.full, name.least] : [Coverage.full]
        guard let coverage = better.first(where: { rest + memory.cost(at: $0) <= allowance(Self.room, own) }) else {
            tracers[name]?.room = nil
            return nil
        }
        let room = memory.room.flatMap { $0.coverage == coverage ? $0 : nil } ?? (coverage: coverage, since: now)
        tracers[name]?.room = room
        guard now - room.since >= memory.calm - Self.jitter else { return nil }
        let expected = own + cost(without: name) + memory.cost(at: coverage)
        return move(name, to: coverage, "the cost will be \(percent(expected)) of the budget", at: now)
    }

    private mutating func move(_ name: TracerName, to coverage: Coverage, _ reason: String, at now: Double)
        -> CoverageStep
    {
        var memory = tracers[name] ?? Memory()
        let step = CoverageStep(name, from: memory.coverage, to: coverage, reason: reason)
        if coverage == .full || memory.coverage == .off {
            memory.rose = now
        } else {
            let hasLasted = now - memory.rose >= Self.lasting
            memory.calm = hasLasted ? Self.calm : min(2 * memory.calm, Self.longestCalm)
            memory.probeAt = now + Self.probeEvery - Self.jitter
        }
        memory.room = nil
        memory.coverage = coverage
        tracers[name] = memory
        return step
    }

    private var governed: [TracerName: Memory] { tracers.filter { $0.key != Self.ungoverned } }
    private var ungoverned: Double { tracers[Self.ungoverned]?.cost ?? 0 }

    private func cost(without name: TracerName? = nil) -> Double {
        governed.reduce(0) { $0 + ($1.key == name ? 0 : $1.value.cost) }
    }

    /// What the tracers may take of a part of the budget.
    private func allowance(_ part: Double, _ own: Double) -> Double {
        max(part * budget - own, part * Self.floor * budget)
    }

    private func percent(_ cost: Double) -> String { "\(Int((100 * cost / budget).rounded())) %" }
}
