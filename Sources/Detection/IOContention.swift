import Model

extension Contention {
    /// Below this many bytes per second, with what the requests cost beside them, nobody is to blame for a slow device.
    static let leastIO = 1_000_000.0
    /// What a request costs beside its bytes: a device that serves 4 KiB at random is as busy as one that streams.
    static let bytesPerRequest = 32_768.0

    /// Who keeps the devices busy, and who is blocked in D state.
    static func io(_ tick: Tick, _ parties: Parties, own: ProcessIdentity?) -> Contention {
        let suspects = parties.suspects(least: leastIO) { $0.ioCost(over: tick.interval) }
        let sufferers = parties.sufferers(from: suspects) { process, _ in
            process.identity == own
                ? 0 : Double(process.scheduling?.blockedNanoseconds ?? 0) / 1e6 / tick.interval
        }
        return Contention(
            suspects: suspects, sufferers: sufferers, measure: "disk I/O", stall: "blocked on I/O",
            stallMetric: "process.blocked")
    }

    /// The same for one device. Processes are counted over all devices; if this one does less than most of the work, the
    /// sampled events say whose requests it served, and without them nobody can be named.
    static func io(on disk: Disk, _ situation: Situation) -> Contention {
        guard disk.shareOfBytes < 0.8 else { return situation.io }
        var bytes: [ProcessIdentity: Double] = [:]
        for event in situation.tick.blockIO?.events ?? [] where event.major == disk.major && event.minor == disk.minor {
            bytes[event.task.process, default: 0] += Double(event.bytes) + bytesPerRequest
        }
        var contention = situation.io
        contention.suspects = situation.parties.suspects(least: 0) { bytes[$0.identity] ?? 0 }
        contention.sufferers = contention.sufferers.filter {
            contention.relation(of: $0.process, in: situation.parties) != .own
        }
        return contention
    }
}

extension ProcessActivity {
    /// Bytes per second read and written, with what each request costs. Buffered writes are submitted by kernel workers:
    /// `/proc/PID/io` knows who dirtied the pages.
    func ioCost(over interval: Double) -> Double {
        let requests = Double((blockIO?.reads ?? 0) + (blockIO?.writes ?? 0)) / interval
        let read = max(Double(blockIO?.readBytes ?? 0) / interval, proc?.readBytesPerSecond ?? 0)
        let written = max(Double(blockIO?.writeBytes ?? 0) / interval, proc?.writeBytesPerSecond ?? 0)
        return read + written + requests * Contention.bytesPerRequest
    }
}
