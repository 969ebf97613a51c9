import Model

extension Action {
    /// Schedulers of the block layer that look at I/O priorities: mq-deadline since 5.14.
    private static let heedful: Set<String> = ["bfq", "mq-deadline", "cfq"]

    func lowerIOPriority(_ priority: String, _ target: Target, _ ground: Ground) throws(Inapplicable) -> [Step] {
        if target.writesBuffered {
            throw Inapplicable("it writes through the page cache: the flusher's I/O has the flusher's priority")
        }
        if let deaf = Self.deafDisk(among: target.disks, ground) { throw deaf }
        return target.party.members.flatMap { member in
            member.threads.map { .set(.ioPriority(ThreadIdentity(process: member.process, tid: $0)), priority) }
        }
    }

    /// Why priorities do nothing on the first of some disks whose scheduler ignores them.
    static func deafDisk(among disks: [String], _ ground: Ground) -> Inapplicable? {
        disks.sorted().compactMap { ground.disks[$0] }.first { !heedful.contains($0.scheduler) }
            .map { Inapplicable("\($0.name)'s I/O scheduler (\($0.scheduler)) ignores priorities") }
    }

    static func hasHeedfulDisk(_ ground: Ground) -> Bool {
        ground.disks.values.contains { heedful.contains($0.scheduler) }
    }

    func throttleIO(_ rate: String, _ target: Target, _ ground: Ground) throws(Inapplicable) -> [Step] {
        let hierarchy = try room("io", ground.io)
        if hierarchy.version == 1, target.writesBuffered {
            throw Inapplicable("it writes through the page cache: cgroup v1 does not limit what the flusher writes")
        }
        let busy = target.disks.filter { ground.disks[$0] != nil }
        // What crowds others out of memory may read from any disk.
        let disks = busy.isEmpty ? ground.disks.keys.sorted() : busy
        guard !disks.isEmpty else { throw Inapplicable("this host has no disk") }
        return try joining(hierarchy.version == 1 ? "blkio" : "io", hierarchy, target, \.ioGroup) {
            group in
            disks.flatMap { disk -> [Step] in
                let limits: [Setting] =
                    hierarchy.version == 1
                    ? [
                        .ioLimit("\(group)/blkio.throttle.read_bps_device", disk: disk, key: ""),
                        .ioLimit("\(group)/blkio.throttle.write_bps_device", disk: disk, key: ""),
                    ]
                    : [
                        .ioLimit("\(group)/io.max", disk: disk, key: "rbps"),
                        .ioLimit("\(group)/io.max", disk: disk, key: "wbps"),
                    ]
                return limits.map { .set($0, rate) }
            }
        }
    }
}
