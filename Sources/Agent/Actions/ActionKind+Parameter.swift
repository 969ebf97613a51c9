import Model

extension ActionKind {
    /// What an action is told beside whom it is about.
    public struct Parameter: Sendable {
        public var name: String
        public var allowed: String
        public var preset: String
        let isAllowed: @Sendable (String) -> Bool

        fileprivate init(_ name: String, _ range: ClosedRange<Int>, unit: String = "", preset: Int) {
            self.name = name
            allowed = "\(range.lowerBound) to \(range.upperBound)\(unit.isEmpty ? "" : " \(unit)")"
            self.preset = String(preset)
            isAllowed = { Int($0).map(range.contains) ?? false }
        }

        fileprivate init(
            _ name: String, _ allowed: String, preset: String, _ isAllowed: @escaping @Sendable (String) -> Bool
        ) {
            self.name = name
            self.allowed = allowed
            self.preset = preset
            self.isAllowed = isAllowed
        }
    }

    /// `nil` for actions that are told nothing.
    public var parameter: Parameter? {
        switch self {
        case .lowerProcessPriority: Parameter("priority", 1...19, preset: 19)
        case .throttleCPU: Parameter("limit", 1...100, unit: "% of one core", preset: 20)
        case .setCPUAffinity: Parameter("cpus", "CPUs such as 0-1,3", preset: "0") { CPUSet($0) != nil }
        case .lowerIOPriority:
            Parameter("priority", "idle, or best-effort 5 to best-effort 7", preset: "idle") { text in
                // Realtime, or a level above the usual 4, would raise it.
                ["idle", "best-effort 5", "best-effort 6", "best-effort 7"].contains(text)
            }
        case .throttleIO: Parameter("bytes_per_second", 65_536...10_000_000_000, unit: "bytes/s", preset: 1 << 20)
        case .reduceSwappiness: Parameter("value", 0...100, preset: 10)
        case .clearPageCache: Parameter("level", 1...3, preset: 1)
        case .increaseTCPBacklog: Parameter("value", 128...65_536, preset: 4096)
        case .reduceFinTimeout: Parameter("value", 10...120, unit: "s", preset: 30)
        case .listTopMemory, .listTopCPU: Parameter("count", 1...50, preset: 10)
        case .pauseProcess, .resumeProcess, .terminateProcess, .flushBuffers, .checkIOActivity, .checkNetworkStats,
            .checkTCPStats, .monitorSwap:
            nil
        }
    }
}
