import Model

/// Which events of a batch prove which episodes of it: the worst ones of the same process or device.
struct Citations {
    /// A signal and the position of an event in the batch.
    struct Citation: Equatable {
        var signal: Int64
        var event: Int
    }

    /// What a signal may cite in all. Cited events outlive the byte cap, so this bounds what they can take.
    static let perSignal = 8

    private(set) var syscalls: [Citation] = []
    private(set) var scheduler: [Citation] = []
    private(set) var pageFaults: [Citation] = []
    private(set) var blockIO: [Citation] = []

    /// Cites for each episode in `episodes` as many events as it has left in `room`, and takes them from it.
    init(episodes: [Episode], events: TickRecord.Events, room: inout [Int64: Int]) {
        guard !episodes.isEmpty, events.count > 0 else { return }
        for episode in episodes where room[episode.id, default: Self.perSignal] > 0 {
            let entity = episode.key.entity
            func worst<Event: TaskEvent>(_ events: [Event], of matches: (Event) -> Bool) -> [Citation] {
                let left = room[episode.id, default: Self.perSignal]
                let found = events.indices.filter { matches(events[$0]) }
                    .sorted { events[$0].severityNanoseconds > events[$1].severityNanoseconds }
                    .prefix(left)
                room[episode.id] = left - found.count
                return found.map { Citation(signal: episode.id, event: $0) }
            }
            switch episode.key.type {
            case .syscall:
                syscalls += worst(events.syscalls) {
                    $0.category.name == episode.key.label && $0.task.process.description == entity.id
                }
            case .scheduler: scheduler += worst(events.scheduler) { $0.task.process.description == entity.id }
            case .loadMismatch: scheduler += worst(events.scheduler) { _ in true }
            case .pageFault: pageFaults += worst(events.pageFaults) { $0.task.process.description == entity.id }
            case .memoryPressure, .swapThrashing:
                if entity.kind == .system { pageFaults += worst(events.pageFaults) { $0.major } }
            case .ioCongestion, .blockDeviceSaturation:
                blockIO += worst(events.blockIO) { "\($0.major):\($0.minor)" == entity.id || $0.device == entity.name }
            case .networkDegradation, .tcpExhaustion: break
            }
        }
    }
}
