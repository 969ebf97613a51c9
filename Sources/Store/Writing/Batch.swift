import Model

/// What waits to be committed, within bounds. Later states of an episode or a component replace earlier ones, so that a
/// database that does not take writes costs no more than what is open.
struct Batch: Sendable {
    struct Tick: Sendable {
        var time: Timestamp
        var samples: [MetricSample]
        var histograms: [HistogramSample]
    }

    /// Episodes in the order of their first appearance; `position` finds them by id.
    private(set) var episodes: [Episode] = []
    private var position: [Int64: Int] = [:]
    private(set) var events = TickRecord.Events()
    private(set) var ticks: [Tick] = []
    /// Oldest first.
    private(set) var snapshots: [(time: Timestamp, processes: [ProcessActivity])] = []
    private(set) var components: [String: (time: Timestamp, state: ComponentState)] = [:]
    private(set) var baselines: [String: String] = [:]
    /// Oldest first.
    private(set) var steps: [(time: Timestamp, step: CoverageStep)] = []
    private(set) var completeness: String?
    private(set) var lastTick = Timestamp(nanoseconds: 0)

    /// Each lists all busy processes; a commit that is late has some, a database that takes no writes has the latest.
    private static let snapshotsKept = 10
    /// Some minutes of a host that goes up and down; a database that takes no writes has the latest.
    private static let stepsKept = 100

    var isEmpty: Bool { lastTick.nanoseconds == 0 }
    var rows: Int { episodes.count + events.count }

    /// Adds a record and returns what had no room.
    mutating func add(_ record: TickRecord, pendingRows: Int, pendingTicks: Int) -> WriterStatus.Counts {
        var dropped = WriterStatus.Counts()
        for episode in record.episodes { dropped.episodes += add(episode, pendingRows: pendingRows) }
        if rows + record.events.count <= pendingRows {
            append(record.events)
        } else {
            dropped += record.events.counts
        }
        if !record.samples.isEmpty || !record.histograms.isEmpty {
            if ticks.count < pendingTicks {
                ticks.append(Tick(time: record.time, samples: record.samples, histograms: record.histograms))
            } else {
                dropped.ticks += 1
            }
        }
        if !record.processes.isEmpty { add([(record.time, record.processes)]) }
        for component in record.components { components[component.component] = (record.time, component) }
        baselines.merge(record.baselines) { $1 }
        add(record.steps)
        completeness = record.completeness ?? completeness
        lastTick = max(lastTick, record.time)
        return dropped
    }

    /// Puts a batch that could not be committed back in front of what came since.
    mutating func putBack(_ failed: Batch, pendingRows: Int, pendingTicks: Int) -> WriterStatus.Counts {
        let newer = self
        self = failed
        var dropped = WriterStatus.Counts()
        for episode in newer.episodes { dropped.episodes += add(episode, pendingRows: pendingRows) }
        if rows + newer.events.count <= pendingRows { append(newer.events) } else { dropped += newer.events.counts }
        let room = max(0, pendingTicks - ticks.count)
        ticks.append(contentsOf: newer.ticks.prefix(room))
        dropped.ticks += UInt64(newer.ticks.count - min(room, newer.ticks.count))
        add(newer.snapshots)
        components.merge(newer.components) { $1 }
        baselines.merge(newer.baselines) { $1 }
        add(newer.steps)
        completeness = newer.completeness ?? completeness
        lastTick = max(lastTick, newer.lastTick)
        return dropped
    }

    /// What a commit of this batch stores.
    var counts: WriterStatus.Counts {
        var counts = events.counts
        counts.episodes = UInt64(episodes.count)
        counts.ticks = UInt64(ticks.count)
        return counts
    }

    private mutating func add(_ episode: Episode, pendingRows: Int) -> UInt64 {
        if let index = position[episode.id] {
            episodes[index] = episode
        } else if episodes.count < pendingRows {
            position[episode.id] = episodes.count
            episodes.append(episode)
        } else {
            return 1
        }
        return 0
    }

    private mutating func add(_ newer: [(time: Timestamp, processes: [ProcessActivity])]) {
        snapshots = Array((snapshots + newer).suffix(Self.snapshotsKept))
    }

    private mutating func add(_ newer: [(time: Timestamp, step: CoverageStep)]) {
        steps = Array((steps + newer).suffix(Self.stepsKept))
    }

    private mutating func append(_ more: TickRecord.Events) {
        events.syscalls += more.syscalls
        events.scheduler += more.scheduler
        events.pageFaults += more.pageFaults
        events.blockIO += more.blockIO
    }
}

extension TickRecord.Events {
    var counts: WriterStatus.Counts {
        var counts = WriterStatus.Counts()
        for source in EventSource.allCases where count(source) > 0 { counts.events[source] = UInt64(count(source)) }
        return counts
    }

    private func count(_ source: EventSource) -> Int {
        switch source {
        case .syscalls: syscalls.count
        case .scheduler: scheduler.count
        case .pageFaults: pageFaults.count
        case .blockIO: blockIO.count
        }
    }
}
