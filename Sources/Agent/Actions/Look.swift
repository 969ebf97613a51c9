import Model
import Store

/// What the actions find that only look: where nobody can be blamed, a person starts from here.
struct Look: PhaseResult {
    var action: Action
    var lines: [String]

    var message: String { "\(action): \(lines.isEmpty ? "nothing was measured" : lines.joined(separator: "; "))" }
}

extension SignalType {
    /// The action that looks at what a signal of this type is about.
    var look: ActionKind {
        switch self {
        case .memoryPressure, .pageFault: .listTopMemory
        case .swapThrashing: .monitorSwap
        case .loadMismatch, .scheduler, .syscall: .listTopCPU
        case .ioCongestion, .blockDeviceSaturation: .checkIOActivity
        case .networkDegradation: .checkNetworkStats
        case .tcpExhaustion: .checkTCPStats
        }
    }
}

extension Measurements {
    /// Seconds that a mean is of.
    private static let span = 10.0

    /// Looks at what an action that changes nothing is about. `entity` is the problem's: a disk's or an interface's numbers are
    /// shown where it is one.
    func look(_ action: Action, at entity: Entity) throws -> Look {
        let count = action.value.flatMap { Int($0) } ?? 10
        let lines: [String] =
            switch action.kind {
            case .listTopMemory: try top(count, "MB resident") { ($0.proc?.residentBytes ?? 0) / 1e6 }
            case .listTopCPU: try top(count, "ms/s of CPU time") { ($0.scheduling?.cpuNs ?? 0) / 1e6 }
            case .checkIOActivity:
                try means(["pressure.io.some", "tasks.blocked", "memory.dirty"])
                    + means(["disk.busy", "disk.queue_depth", "disk.read_bytes", "disk.write_bytes"], of: entity)
                    + top(5, "MB/s of disk I/O") {
                        (($0.blockIo?.readBytes ?? 0) + ($0.blockIo?.writeBytes ?? 0)) / 1e6
                    }
            case .checkNetworkStats:
                try means(["tcp.out_segments", "tcp.retransmits", "tcp.timeouts"])
                    + means(
                        ["net.rx_packets", "net.tx_packets", "net.rx_errors", "net.rx_drops", "net.tx_drops"],
                        of: entity)
            case .checkTCPStats:
                try means([
                    "tcp.listen_overflows", "tcp.listen_drops", "tcp.syn_cookies", "sockets.established",
                    "sockets.time_wait", "sockets.close_wait", "sockets.syn_received",
                ])
            case .monitorSwap:
                try means(["swap.used", "vm.swap_in", "vm.swap_out", "vm.major_faults", "pressure.memory.some"])
            default: []
            }
        return Look(action: action, lines: lines)
    }

    private func means(_ metrics: [String], of entity: Entity? = nil) throws -> [String] {
        if let entity, entity.kind != .device, entity.kind != .interface { return [] }
        let end = try reader.health().lastTick
        return try metrics.compactMap { metric in
            let name = entity.map { "\(metric):\($0.name)" } ?? metric
            let series = try reader.series(
                SeriesQuery(
                    metric: name, from: end.advanced(bySeconds: -Self.span), to: end.advanced(bySeconds: 1), step: 1))
            let values = series?.points.compactMap(\.mean) ?? []
            guard !values.isEmpty else { return nil }
            return "\(name) \(Self.short(values.reduce(0, +) / Double(values.count)))"
        }
    }

    private func top(_ count: Int, _ unit: String, _ measure: (ProcessRecord) -> Double) throws -> [String] {
        guard let snapshot = try reader.processes().snapshot else { return [] }
        return try ProcessRecord.list(snapshot.json).map { ($0, measure($0)) }.filter { $0.1 > 0 }
            .sorted { $0.1 > $1.1 }.prefix(count).map { "\($0.comm) (pid \($0.pid)) \(Self.short($1)) \(unit)" }
    }

    private static func short(_ value: Double) -> String {
        value.magnitude >= 100 ? "\(Int(value.rounded()))" : "\((value * 1000).rounded() / 1000)"
    }
}
