import Model

/// One condition: on its way to open, open, or on its way to close.
struct Track: Sendable {
    private(set) var episode: Episode?
    /// The last ticks, latest last: the grade where the condition held.
    private var recent: [Grade?] = []
    /// What was found in the worst tick so far, and how bad that tick was.
    private var finding: Finding?
    private var findingGrade: Grade?
    /// Seconds since the condition last held, and since it was last worse than low.
    private var quiet = 0.0
    private var mild = 0.0
    /// Seconds since the episode was last returned, and what it was like then.
    private var sinceReport = 0.0
    private var reported: Episode?
    /// Whether it would have opened in this tick but for the limit.
    private(set) var wasRefused = false

    init() {}

    /// Continues after a restart: the ticks before count as if they had been seen.
    init(resuming episode: Episode, window: Int) {
        self.episode = episode
        reported = episode
        finding = episode.finding
        findingGrade = episode.peak
        recent = Array(repeating: episode.current, count: max(window - 1, 0))
    }

    /// Whether there is anything left to remember.
    var isAlive: Bool { episode != nil || recent.contains { $0 != nil } }

    /// The rule saw something. Returns the episode if it is worth writing; a new one takes `newID`, and waits without one.
    mutating func observe(
        _ observation: Observation, time: Timestamp, interval: Double, _ hysteresis: Hysteresis, newID: Int64?
    ) -> Episode? {
        wasRefused = false
        let holds = observation.strength >= (episode == nil ? 1 : min(hysteresis.release, 1))
        guard holds else { return miss(time: time, interval: interval, hysteresis) }
        remember(observation.grade, hysteresis)
        merge(observation)
        quiet = 0
        mild = observation.grade.severity > .low ? 0 : mild + interval
        sinceReport += interval
        // What goes on is no alarm any more, and an episode of its own if it lasts.
        if let ended = end(at: time, hysteresis) { return ended }

        let sustained = observation.opensAtOnce ? observation.grade : sustained(hysteresis)
        guard var episode, let finding else {
            guard let grade = sustained, let finding else { return nil }
            guard let newID else {
                wasRefused = true
                return nil
            }
            return report(
                Episode(
                    id: newID, key: observation.key, opened: time, lastSeen: time, peak: grade, current: grade,
                    occurrences: recent.count { $0 != nil }, finding: finding))
        }
        episode.state = .open
        episode.lastSeen = time
        episode.occurrences += 1
        episode.current = sustained ?? observation.grade.capped(at: .low)
        if episode.peak < episode.current { episode.peak = episode.current }
        episode.finding = finding
        self.episode = episode
        return isWorthWriting(episode) ? report(episode) : nil
    }

    /// The rule looked and saw nothing. An episode whose victims cannot be seen stays unknown until it is over.
    mutating func miss(
        time: Timestamp, interval: Double, _ hysteresis: Hysteresis, seesVictims: Bool = true
    ) -> Episode? {
        wasRefused = false
        remember(nil, hysteresis)
        guard var episode else {
            if !isAlive { (finding, findingGrade) = (nil, nil) }
            return nil
        }
        quiet += interval
        mild += interval
        sinceReport += interval
        if let ended = end(at: time, hysteresis) { return ended }
        guard seesVictims, episode.state == .unknown else { return nil }
        episode.state = .open
        return report(episode)
    }

    /// The rule could not look: time stands still. Where it saw that the condition goes on and only not whom it harms, time
    /// begins anew.
    mutating func lose(goesOn: Bool = false) -> Episode? {
        wasRefused = false
        if goesOn { (quiet, mild) = (0, 0) }
        guard var episode, episode.state != .unknown else { return nil }
        episode.state = .unknown
        return report(episode)
    }

    // MARK: -

    /// The episode, once it has been calm for long enough: an alarm that was no more than low, a low one that was not there.
    private mutating func end(at time: Timestamp, _ hysteresis: Hysteresis) -> Episode? {
        guard let episode, (episode.peak.severity > .low ? mild : quiet) >= hysteresis.closeAfter else { return nil }
        self = Track()
        return episode.ended(at: time)
    }

    private mutating func remember(_ grade: Grade?, _ hysteresis: Hysteresis) {
        recent.append(grade)
        recent.removeFirst(max(0, recent.count - max(hysteresis.window, 1)))
    }

    /// The grade that enough of the last ticks reached. Severity obeys the same rule as opening: one bad tick in a mild
    /// episode does not make it a bad one.
    private func sustained(_ hysteresis: Hysteresis) -> Grade? {
        let grades = recent.compactMap(\.self).sorted { $1 < $0 }
        let needed = min(max(hysteresis.openAfter, 1), max(hysteresis.window, 1))
        return grades.count >= needed ? grades[needed - 1] : nil
    }

    /// Keeps the worst tick's finding. A worse tick in which nobody could be named does not take names away, and a milder
    /// one adds what the worst could not say. Names from ticks in which nobody suffered are no answer to who did the harm.
    private mutating func merge(_ observation: Observation) {
        guard var kept = finding, let keptGrade = findingGrade else {
            (finding, findingGrade) = (observation.finding, observation.grade)
            return
        }
        let new = observation.finding
        let losesNames = new.culprits.isEmpty && !kept.culprits.isEmpty && keptGrade.severity > .low
        let mayAdd = observation.grade.severity > .low || keptGrade.severity == .low
        let gainsNames = kept.culprits.isEmpty && !new.culprits.isEmpty && mayAdd
        if keptGrade < observation.grade && !losesNames || gainsNames {
            let victims = kept.victims
            (kept, findingGrade) = (new, max(keptGrade, observation.grade) { $0 < $1 })
            if kept.victims.isEmpty { kept.victims = victims }
        } else if kept.victims.isEmpty {
            kept.victims = new.victims
        }
        finding = kept
    }

    private func isWorthWriting(_ episode: Episode) -> Bool {
        guard let reported else { return true }
        func moved(_ one: Grade, _ other: Grade) -> Bool {
            one.severity != other.severity || abs(one.score - other.score) >= Episodes.scoreStep
        }
        return episode.state != reported.state || moved(episode.peak, reported.peak)
            || moved(episode.current, reported.current)
            || episode.finding.culprits.isEmpty != reported.finding.culprits.isEmpty
            || sinceReport >= Episodes.reportEvery
    }

    private mutating func report(_ episode: Episode) -> Episode {
        self.episode = episode
        reported = episode
        sinceReport = 0
        return episode
    }
}

/// The greater of two by an order of one's own.
private func max<Value>(_ one: Value, _ other: Value, by less: (Value, Value) -> Bool) -> Value {
    less(one, other) ? other : one
}
