import Model
import Store

/// Signals as the rules write them, made up: for benchmarks and demonstrations, never for a live database.
///
/// A row has about what one of a host with stress-ng on its CPUs and disks had, which were seven values, three inputs, a culprit
/// and a victim.
public struct DemoData: Sendable {
    private static let commands = [
        "nginx", "postgres", "stress-ng", "java", "python3", "redis-server", "rsync", "node",
    ]
    private static let templates: [SignalType: Message.Template] = Dictionary(
        uniqueKeysWithValues: SignalType.allCases.map { type in
            (
                type,
                Message.Template(
                    summary: "{0} takes {1} % of {2}; {3} waits {4} ms of each second: \(type.rawValue)",
                    patterns: ["{5} tasks a core run or wait; {6} % of the time somebody waits"],
                    hints: ["Look at what {0} does at this time of day.", "Compare with the baseline of {6} %."])
            )
        })

    private var random: UInt64 = 1
    private var made = 0
    private let count: Int
    private let first: Int
    private let start: Timestamp
    private let span: Double

    /// `count` closed signals that opened, evenly spread, in the `span` seconds before `end`; the same each time.
    /// Their ids come after `first`.
    init(signals count: Int, first: Int = 0, span: Double, end: Timestamp) {
        self.count = count
        self.first = first
        self.span = span
        start = end.advanced(bySeconds: -span)
    }

    /// Fills a new database. Throws what `BulkLoad` throws.
    public static func fill(
        path: String, signals count: Int, span: Double, end: Timestamp, progress: (String) -> Void = { _ in }
    ) async throws {
        let load = try BulkLoad(path: path)
        var demo = DemoData(signals: count, span: span, end: end)
        var batch = demo.next(20_000)
        while !batch.isEmpty {
            let rest = demo
            async let following = rest.advanced(by: 20_000)
            try load.write(batch)
            let written = rest.made
            if written.isMultiple(of: 200_000) || written == count { progress("\(written) of \(count) signals") }
            (demo, batch) = await following
        }
        progress("indexes")
        try load.finish(at: end)
    }

    private func advanced(by size: Int) async -> (DemoData, [Episode]) {
        var demo = self
        let batch = demo.next(size)
        return (demo, batch)
    }

    /// The next signals; fewer at the end.
    mutating func next(_ size: Int) -> [Episode] {
        (made..<min(made + size, count)).map { _ in
            let time = start.advanced(bySeconds: span * Double(made) / Double(count))
            made += 1
            return episode(Int64(first + made), at: time)
        }
    }

    /// A signal that opened at a time and closed some seconds later.
    private mutating func episode(_ id: Int64, at time: Timestamp) -> Episode {
        let type = SignalType.allCases[below(SignalType.allCases.count)]
        let command = Self.commands[below(Self.commands.count)]
        let process = ProcessIdentity(pid: Int32(1000 + below(40_000)), startTicks: UInt64(below(100_000_000)))
        let (other, sufferer) = (
            Self.commands[below(Self.commands.count)],
            ProcessIdentity(
                pid: Int32(1000 + below(40_000)), startTicks: UInt64(below(100_000_000)))
        )
        let groups = [command, other].map { "/system.slice/\($0).service" }
        let severity = Severity.allCases[[0, 0, 0, 0, 1, 1, 1, 2, 2, 3][below(10)]]
        let grade = Grade(severity: severity, score: Double(severity.rawValue) / 4 - Double(below(2500)) / 10_000)
        let lost = below(1000)
        let seconds = Double(2 + below(60))
        let entity: Entity =
            switch type {
            case .scheduler, .syscall, .pageFault: .process(process, name: command)
            case .ioCongestion, .blockDeviceSaturation: Entity(kind: .device, id: "8:0", name: "sda")
            case .networkDegradation: Entity(kind: .interface, id: "eth0", name: "eth0")
            default: .host
            }
        return Episode(
            id: id, key: Episode.Key(type: type, entity: entity, label: type.rawValue), state: .closed,
            opened: time,
            lastSeen: time.advanced(bySeconds: seconds), closed: time.advanced(bySeconds: seconds + 8), peak: grade,
            current: grade, occurrences: Int(seconds),
            finding: Finding(
                message: Message(
                    Self.templates[type] ?? Message.Template(summary: ""),
                    [
                        ProcessName.text(command, pid: process.pid, others: below(9)), "\(lost / 10)", "2 cores",
                        ProcessName.text(other, pid: sufferer.pid), "\(lost)", "\(below(20)).\(1 + below(9))",
                        "\(lost / 12)",
                    ]),
                evidence: [
                    Evidence(
                        metric: "pressure.cpu.some", value: Double(lost) / 1000, unit: "share", threshold: 0.1,
                        window: 1),
                    Evidence(
                        metric: "load.running_per_core", value: Double(below(100)) / 10, unit: "tasks", threshold: 1,
                        window: 1),
                    Evidence(metric: "process.runq_wait", value: Double(lost) / 7, unit: "ms/s", window: 1),
                ],
                culprits: [
                    Culprit(
                        process: process, comm: command, cgroup: groups[0], share: Double(lost) / 1003,
                        measure: "CPU time")
                ],
                victims: [
                    Victim(
                        process: sufferer, comm: other, cgroup: groups[1],
                        stallMillisecondsPerSecond: Double(lost) / 7, stall: "run-queue wait")
                ]))
    }

    /// A number below `limit`, by a linear congruential generator (Knuth's MMIX constants).
    private mutating func below(_ limit: Int) -> Int {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(random >> 33) % limit
    }
}
