import Model

/// Turns ticks into episodes: ten rules and one state machine. Pure: no clock, no input or output, the same answer for the
/// same ticks.
///
///     var detector = Detector(thresholds: settings.thresholds, resuming: store.openEpisodes, nextID: store.highestID + 1)
///     for tick in ticks { write(detector.step(tick)) }
public struct Detector: Sendable {
    /// What the rules compare with; may be replaced between two ticks.
    public var thresholds: Thresholds
    /// When episodes open and close; may be replaced between two ticks.
    public var hysteresis: Hysteresis {
        get { episodes.hysteresis }
        set { episodes.hysteresis = newValue }
    }
    /// Why rules could not tell in the last tick: what is missing, in one line.
    public private(set) var blindness: [SignalType: String] = [:]

    /// What is usual on this host, to be stored now and then.
    public private(set) var baselines: Baselines

    private var episodes: Episodes
    private var sleepers = Sleepers()
    private var lineage = Lineage()
    private var refilling = Refilling()
    private var rules: [any Rule] = [
        MemoryPressure(), SwapThrashing(), LoadMismatch(), IOCongestion(), BlockDeviceSaturation(),
        NetworkDegradation(), TCPExhaustion(), SchedulerRule(), SyscallRule(), PageFaultRule(),
    ]
    private let own: ProcessIdentity?

    /// Starts with the episodes that were open when the collector last stopped; they go on if their condition still holds
    /// and close otherwise. New ones get ids from `nextID` on. `own` is the collector itself: its commits to disk are no
    /// user's suffering. `baselines` is what an earlier run learned.
    public init(
        thresholds: Thresholds = Thresholds(), hysteresis: Hysteresis = Hysteresis(), resuming: [Episode] = [],
        nextID: Int64, own: ProcessIdentity? = nil, baselines: Baselines = Baselines()
    ) {
        self.thresholds = thresholds
        self.own = own
        self.baselines = baselines
        episodes = Episodes(hysteresis: hysteresis, resuming: resuming, nextID: nextID)
    }

    /// Episodes that are open or unknown, oldest first.
    public var open: [Episode] { episodes.open }

    /// How often an episode would have opened but for the limits on how many can be open, once per tick that it waits.
    public var refused: UInt64 { episodes.refused }

    /// Looks at one tick and returns the episodes that opened, changed or closed in it, each as a whole, by id. An episode
    /// whose numbers stay about the same is returned every few seconds. The first tick of a run has no rates and says
    /// nothing.
    public mutating func step(_ tick: Tick) -> [Episode] {
        guard tick.interval > 0 else { return [] }
        let situation = Situation(
            tick, thresholds: thresholds, own: own, usual: baselines.usual, sleepers: sleepers, lineage: lineage,
            refilling: refilling)
        var verdicts: [(type: SignalType, verdict: Verdict)] = []
        blindness = [:]
        for index in rules.indices {
            let type = Swift.type(of: rules[index]).type
            let verdict = rules[index].evaluate(situation)
            blindness[type] = verdict.blindness ?? verdict.blindToVictims
            verdicts.append((type, verdict))
        }
        let changed = episodes.step(time: tick.time, interval: tick.interval, verdicts: verdicts)
        sleepers.learn(tick)
        lineage.learn(tick)
        refilling.learn(situation)
        baselines.learn(situation.measures + situation.stalls, at: tick.time, open: episodes.open)
        return changed
    }
}
