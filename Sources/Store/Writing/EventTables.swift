import GRDB
import Model

/// Writes raw events and cites those that belong to an open episode.
///
/// Ids are given here and go on from where the table stood, also when it has been emptied since: a citation must never
/// point to another event.
struct EventTables {
    private let syscalls: Statement
    private let scheduler: Statement
    private let pageFaults: Statement
    private let blockIO: Statement
    private let cite: Statement
    private var next: [EventSource: Int64] = [:]

    init(_ db: Database) throws {
        func insert(_ source: EventSource, columns: Int) throws -> Statement {
            let places = Array(repeating: "?", count: columns).joined(separator: ", ")
            return try db.makeStatement(sql: "INSERT INTO \(source.rawValue) VALUES (\(places))")
        }
        syscalls = try insert(.syscalls, columns: 17)
        scheduler = try insert(.scheduler, columns: 14)
        pageFaults = try insert(.pageFaults, columns: 14)
        blockIO = try insert(.blockIO, columns: 17)
        cite = try db.makeStatement(sql: "INSERT INTO signal_events VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        for source in EventSource.allCases {
            next[source] = try Int64.fetchOne(
                db,
                sql: """
                    SELECT 1 + max(emptied_to, ifnull((SELECT max(id) FROM \(source.rawValue)), 0))
                    FROM event_usage WHERE source = ?
                    """, arguments: [source.rawValue])
        }
    }

    mutating func write(_ events: TickRecord.Events, citations: Citations) throws {
        try write(events.syscalls, .syscalls, syscalls, citations.syscalls) { event, row in
            row.add(event.cpu)
            row.add(event.number)
            row.add(event.name)
            row.add(event.category.name)
            row.add(event.latencyNanoseconds)
            row.add(event.blockedNanoseconds.map(Int64.init(truncatingIfNeeded:)))
            row.add(event.returnValue)
            row.add((event.returnValue ?? 0) < 0 && (event.returnValue ?? 0) >= -4095 ? 1 : 0)
            row.add(event.firstArgument)
        }
        try write(events.scheduler, .scheduler, scheduler, citations.scheduler) { event, row in
            row.add(event.cpu)
            row.add(event.waitNanoseconds)
            row.add(event.preempted ? 1 : 0)
            row.add(event.previous.pid)
            row.add(event.previous.startTicks)
            row.add(event.previousComm)
        }
        try write(events.pageFaults, .pageFaults, pageFaults, citations.pageFaults) { event, row in
            row.add(event.cpu)
            row.add(event.address)
            row.add(event.latencyNanoseconds)
            row.add(event.major ? "major" : "minor")
            row.add(event.access.rawValue)
            row.add(event.userMode ? 1 : 0)
        }
        try write(events.blockIO, .blockIO, blockIO, citations.blockIO) { event, row in
            row.add(event.major)
            row.add(event.minor)
            row.add(event.device)
            row.add(event.operation.name)
            row.add(event.sector)
            row.add(event.bytes)
            row.add(event.latencyNanoseconds)
            row.add(event.queuedNanoseconds)
            row.add(event.error)
        }
    }

    private mutating func write<Event: TaskEvent>(
        _ events: [Event], _ source: EventSource, _ insert: Statement, _ citations: [Citations.Citation],
        _ columns: (Event, inout Binder) -> Void
    ) throws {
        guard !events.isEmpty else { return }
        let first = next[source] ?? 1
        for (offset, event) in events.enumerated() {
            try insert.run {
                $0.add(first + Int64(offset))
                $0.add(event.time.nanoseconds)
                $0.add(event.task.process.pid)
                $0.add(event.task.process.startTicks)
                $0.add(event.task.tid)
                $0.add(event.task.uid)
                $0.add(event.task.cgroup)
                $0.add(event.task.comm)
                columns(event, &$0)
            }
        }
        for citation in citations {
            try cite.run {
                $0.add(citation.signal)
                $0.add(source.rawValue)
                $0.add(first + Int64(citation.event))
            }
        }
        next[source] = first + Int64(events.count)
    }
}

/// What all raw events have.
protocol TaskEvent {
    var time: Timestamp { get }
    var task: TaskIdentity { get }
    /// How bad it was, in nanoseconds.
    var severityNanoseconds: UInt64 { get }
}

extension SyscallEvent: TaskEvent { var severityNanoseconds: UInt64 { latencyNanoseconds } }
extension SchedulerEvent: TaskEvent { var severityNanoseconds: UInt64 { waitNanoseconds } }
extension PageFaultEvent: TaskEvent { var severityNanoseconds: UInt64 { latencyNanoseconds } }
extension BlockIOEvent: TaskEvent { var severityNanoseconds: UInt64 { latencyNanoseconds } }
