import Forecast
import Model

/// A device that is busy with a queue that does not drain. `docs/signals/block_device_saturation.md`.
struct BlockDeviceSaturation: Rule {
    static let type = SignalType.blockDeviceSaturation

    func evaluate(_ situation: Situation) -> Verdict {
        guard situation.tick.host.disks != nil, let disks = situation.disks else {
            return .cannotTell("/proc/diskstats, which counts busy time, could not be read")
        }
        return Verdict(
            observations: disks.compactMap { observe($0, situation) }, blindToVictims: situation.blindToBlocked)
    }

    private func observe(_ disk: Disk, _ situation: Situation) -> Observation? {
        let bands = situation.thresholds
        guard let busy = disk.busy else { return nil }
        let strength = min(bands.deviceBusy.strength(of: busy), bands.deviceQueue.strength(of: disk.depth))
        guard strength >= 0.5 else { return nil }
        let io = situation.io[disk]
        let symptom = bands.deviceBusy.grade(of: busy).limited(by: bands.deviceQueue.grade(of: disk.depth))
        // A full queue that is served fast holds nobody up, whatever else blocks them.
        let latency = situation.adapted(bands.ioLatency, to: disk.latencyMetric)
        let slow = (disk.latency ?? 0) >= latency.low
        return Observation(
            key: Episode.Key(type: Self.type, entity: disk.entity, label: Self.type.rawValue),
            grade: symptom.suffered(slow ? io.suffering(bands.blockedStall) : nil),
            strength: strength,
            finding: Finding(
                message: message(io, disk, busy: busy, slow: slow, usual: situation.usual[disk.latencyMetric]),
                evidence: [
                    situation.evidence("disk.busy:\(disk.name)", busy, "share", bands.deviceBusy.low),
                    situation.evidence("disk.queue:\(disk.name)", disk.depth, "requests", bands.deviceQueue.low),
                    situation.evidence(disk.latencyMetric, disk.latency ?? 0, "ms", latency.low),
                    situation.evidence("disk.bytes:\(disk.name)", disk.bytesPerSecond, "B/s"),
                ], culprits: io.culprits, victims: slow ? io.victims : []))
    }

    private func message(
        _ io: Contention, _ disk: Disk, busy: Double, slow: Bool, usual: Baseline.Usual?
    ) -> Message {
        let values = [
            disk.name, Text.percent(busy), Text.number(disk.depth), Text.number(usual?.profile.p95 ?? 0),
            Text.bytes(disk.bytesPerSecond),
        ]
        let patterns = [IOCongestion.comparison(of: usual)]
        let lead = "{0} is busy {1} % of the time with {2} requests queued, moving {4} a second"
        guard let suspect = io.suspects.first else {
            return Message(
                .init(
                    summary: "\(lead); which process causes it cannot be told from this data", patterns: patterns,
                    hints: [
                        "Pages that were dirtied earlier may be draining: compare with the dirty and writeback series"
                    ]),
                values)
        }
        let blame = values + [suspect.name, Text.percent(suspect.share)]
        guard slow, let sufferer = io.sufferers.first else {
            return Message(
                .init(
                    summary: "\(lead), {6} % of it for {5}", patterns: patterns,
                    hints: ["Nobody but {5} waits for {0}: nothing needs to be done"]), blame)
        }
        return Message(
            .init(
                summary: "\(lead), {6} % of it for {5}; {7} is blocked {8} ms of each second", patterns: patterns,
                hints: ["Limit the I/O of {5}, or move it or {7} to a device other than {0}"]),
            blame + [sufferer.name, Text.number(sufferer.stall)])
    }
}
