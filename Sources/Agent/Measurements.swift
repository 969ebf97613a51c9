import Forecast
import Model
import Readers
import Store

/// Reads from the store what the phases look at.
struct Measurements {
    let reader: Reader
    let thresholds: Thresholds

    /// Minutes of the leading metric that a trend is made of.
    private static let course = 5.0

    /// What OBSERVE looks at, as far as it stands in the store.
    func observation() throws -> Observe.Input {
        var query = SignalQuery()
        query.state = .open
        query.minimumSeverity = .medium
        query.limit = 100
        let open = try reader.signals(query).signals
        let lastTick = try reader.health().lastTick
        var courses: [SignalType: [Trend.Point]] = [:]
        for type in Set(open.map(\.type)) {
            courses[type] = try course(of: type, from: lastTick.advanced(bySeconds: -60 * Self.course), to: lastTick)
        }
        let details = try open.compactMap { try reader.signal(id: $0.id) }
        let signals = details.map { detail in
            Observe.Input.Signal(
                problem: Problem(detail, course: courses[detail.signal.type] ?? []),
                isOpen: detail.signal.state == .open)
        }
        return Observe.Input(signals: signals, lastTick: lastTick)
    }

    /// The leading metric of a type, second by second; empty where it has none that is a plain series.
    func course(of type: SignalType, from: Timestamp, to: Timestamp) throws -> [Trend.Point] {
        guard case .mean(let metric)? = LeadingMetric(type)?.reading else { return [] }
        let series = try reader.series(
            SeriesQuery(metric: metric, from: from, to: to.advanced(bySeconds: 1), step: 1))
        return series?.points.compactMap { point in point.mean.map { Trend.Point(point.time, $0) } } ?? []
    }

    /// How a signal and its victims fare from one tick to another, the first not included.
    func measurement(of problem: Problem, from: Timestamp, to: Timestamp) throws -> Measurement {
        let lastTick = try reader.health().lastTick
        let signal = try reader.signal(id: problem.id)?.signal
        let snapshots = try reader.snapshots(from: from, to: to)
        var sums: [String: Double] = [:]
        var gap: String?
        for victim in problem.victims where ProcessStat(victim.process) != nil { sums[victim.process.description] = 0 }
        for snapshot in snapshots {
            let records = try ProcessRecord.list(snapshot.json)
            // Who is blocked all the time moves no other number, and is not there at all.
            if records.contains(where: { $0.scheduling.map { $0.blockedNs == nil } ?? false }),
                let victim = problem.victims.first(where: { ProcessRecord.isBlocking($0.stall) })
            {
                gap = "how long \(victim.comm) was \(victim.stall) was not measured in every second"
            }
            for process in records {
                let name = process.identity.description
                guard let sum = sums[name],
                    let victim = problem.victims.first(where: { $0.process == process.identity })
                else { continue }
                sums[name] = sum + min(process.stall(victim.stall), 1000)
            }
        }
        let ticks = snapshots.count
        let metric = try course(of: problem.type, from: from, to: to).map(\.value)
        if signal?.state == .unknown { gap = "the signal's data went away" }
        // Every second has its tick. On a host that is busy some are late or lost; most of them say enough.
        let seconds = to.seconds(since: from)
        if ticks == 0 || Double(ticks) < seconds * 2 / 3 {
            gap = "\(ticks) of \(Int(seconds.rounded())) seconds were measured"
        }
        let holds = signal.map {
            $0.state == .open && $0.current.severity > .low
                && min(to, lastTick).seconds(since: $0.lastSeen) < Observe.current
        }
        return Measurement(
            stalls: ticks > 0 ? sums.mapValues { $0 / Double(ticks) } : [:], holds: holds ?? false,
            severity: signal?.current.severity ?? .low,
            metric: metric.isEmpty ? nil : metric.reduce(0, +) / Double(metric.count), gap: gap)
    }

    /// What the last tick says of how a party uses CPUs and disks.
    func use(of party: Party) throws -> (cores: Double?, writesBuffered: Bool) {
        guard let snapshot = try reader.processes().snapshot else { return (nil, false) }
        let records = try ProcessRecord.list(snapshot.json).filter { party.contains($0.identity) }
        let cores = records.compactMap(\.scheduling?.cpuNs).reduce(0, +) / 1e9
        let submitted = records.compactMap(\.blockIo?.writeBytes).reduce(0, +)
        let dirtied = records.compactMap(\.proc?.writeBytesPerSecond).reduce(0, +)
        return (records.isEmpty ? nil : cores, dirtied > 1e6 && submitted < 0.5 * dirtied)
    }
}

extension Problem {
    fileprivate init(_ detail: SignalDetail, course: [Trend.Point]) {
        let signal = detail.signal
        self.init(
            id: signal.id, type: signal.type, label: signal.label, entity: signal.entity,
            severity: signal.current.severity, score: signal.current.score, opened: signal.opened,
            lastSeen: signal.lastSeen, summary: signal.message.summary,
            culprits: signal.culprits, victims: detail.victims, course: course)
    }
}

/// A process in a snapshot of the store, as far as the agent looks at it.
struct ProcessRecord: Decodable {
    struct Scheduling: Decodable { var cpuNs: Double, waitNs: Double, blockedNs: Double?, memoryStallNs: Double? }
    struct Faults: Decodable { var latencyNs: Double }
    struct BlockIO: Decodable { var readBytes: Double, writeBytes: Double }
    struct Proc: Decodable { var writeBytesPerSecond: Double?, residentBytes: Double? }

    var pid: Int32
    var comm: String
    var startTicks: UInt64
    var scheduling: Scheduling?
    var faults: Faults?
    var blockIo: BlockIO?
    var proc: Proc?

    var identity: ProcessIdentity { ProcessIdentity(pid: pid, startTicks: startTicks) }

    /// Whether a stall of this kind is told by D state.
    static func isBlocking(_ kind: String) -> Bool { kind != "run-queue wait" && kind != "page-fault latency" }

    /// Milliseconds in its second, of the kind that a victim suffers.
    func stall(_ kind: String) -> Double {
        let blocked = scheduling?.blockedNs ?? 0
        let nanoseconds =
            switch kind {
            case "run-queue wait": scheduling?.waitNs ?? 0
            case "waiting for memory", "page-fault latency":
                max(faults?.latencyNs ?? 0, blocked, scheduling?.memoryStallNs ?? 0)
            default: blocked
            }
        return nanoseconds / 1e6
    }

    static func list(_ json: String) throws -> [ProcessRecord] { try JSON.value(json, as: [ProcessRecord].self) }
}
