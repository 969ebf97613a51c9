import Model

/// The life of every signal: opens when its condition holds long enough, is updated while it lasts, closes when it has been
/// gone long enough. A function of its own state, what the rules saw, and monotonic seconds; wall-clock times are only
/// carried along, so a clock step opens and closes nothing. `docs/signals/README.md` draws the states.
struct Episodes: Sendable {
    /// Episodes that can be open at once, and conditions that can be on their way to open. What comes beyond is refused and
    /// counted.
    static let mostOpen = 256
    static let mostCandidates = 1024
    /// An open episode whose numbers go on about the same is written this often, in seconds.
    static let reportEvery = 5.0
    /// A score that moved this far is written at once.
    static let scoreStep = 0.05

    var hysteresis: Hysteresis
    private(set) var nextID: Int64
    /// How often an episode would have opened, or a condition been followed, but for the limits; once per tick that it waits.
    private(set) var refused: UInt64 = 0
    private var tracks: [Episode.Key: Track] = [:]
    /// Resumed episodes whose key another one has: closed in the next step.
    private var duplicates: [Episode] = []

    init(hysteresis: Hysteresis, resuming: [Episode], nextID: Int64) {
        self.hysteresis = hysteresis
        self.nextID = max(nextID, (resuming.map(\.id).max() ?? 0) + 1)
        for episode in resuming.sorted(by: { $0.id > $1.id }) where episode.state != .closed {
            if tracks[episode.key] != nil || tracks.count >= Self.mostOpen {
                duplicates.append(episode)
            } else {
                tracks[episode.key] = Track(resuming: episode, window: hysteresis.window)
            }
        }
    }

    /// Open and unknown episodes, oldest first.
    var open: [Episode] { tracks.values.compactMap(\.episode).sorted { $0.id < $1.id } }

    /// Takes what the rules saw in one tick and returns the episodes that are worth writing, by id.
    mutating func step(
        time: Timestamp, interval: Double, verdicts: [(type: SignalType, verdict: Verdict)]
    ) -> [Episode] {
        var changed = duplicates.map { $0.ended(at: time) }
        duplicates = []
        var seen: [Episode.Key: Observation] = [:]
        var order: [Episode.Key] = []
        var blindness: [SignalType: Verdict] = [:]
        for (type, verdict) in verdicts {
            if verdict.blindness != nil || verdict.blindToVictims != nil { blindness[type] = verdict }
            for observation in verdict.observations {
                guard let other = seen[observation.key] else {
                    seen[observation.key] = observation
                    order.append(observation.key)
                    continue
                }
                if other.grade < observation.grade { seen[observation.key] = observation }
            }
        }

        var room = Self.mostOpen - tracks.values.count { $0.episode != nil }
        var candidates = tracks.values.count { $0.episode == nil }
        for key in order {
            guard let observation = seen[key] else { continue }
            if tracks[key] == nil {
                guard observation.strength >= 1 else { continue }
                guard candidates < Self.mostCandidates else {
                    refused += 1
                    continue
                }
                candidates += 1
            }
            var track = tracks.removeValue(forKey: key) ?? Track()
            // What stands in for the data that opened it cannot say that it is over, or, while it holds, that it harms nobody.
            let verdict = blindness[key.type]
            let goesOn =
                verdict?.blindToVictims != nil && observation.strength >= min(hysteresis.release, 1)
            if goesOn || verdict?.isBlind(to: key.label) == true, observation.grade.severity <= .low,
                track.episode.map({ $0.peak.severity > .low }) ?? false
            {
                if let episode = track.lose(goesOn: goesOn) { changed.append(episode) }
                if track.isAlive { tracks[key] = track }
                continue
            }
            if let episode = track.observe(
                observation, time: time, interval: interval, hysteresis, newID: room > 0 ? nextID : nil)
            {
                if episode.id == nextID {
                    nextID += 1
                    room -= 1
                }
                changed.append(episode)
            }
            if track.wasRefused { refused += 1 }
            if track.isAlive { tracks[key] = track }
        }

        for key in tracks.keys where seen[key] == nil {
            guard var track = tracks.removeValue(forKey: key) else { continue }
            let episode =
                blindness[key.type]?.isBlind(to: key.label) == true
                ? track.lose()
                : track.miss(
                    time: time, interval: interval, hysteresis,
                    seesVictims: blindness[key.type]?.blindToVictims == nil)
            if let episode { changed.append(episode) }
            if track.isAlive { tracks[key] = track }
        }
        return changed.sorted { $0.id < $1.id }
    }
}

extension Episode {
    /// The same, closed.
    func ended(at time: Timestamp) -> Episode {
        var episode = self
        episode.state = .closed
        episode.closed = time
        return episode
    }
}
