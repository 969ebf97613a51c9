import Glibc
import Model

extension Host {
    /// What the host is like, for `Action.steps`.
    public func ground() -> Ground {
        func number(_ path: String) -> Int? { TextFile.read(path).flatMap { Int($0) } }
        var cpu = groups.hierarchy("cpu")
        if let hierarchy = cpu {
            // Version 2 has the file in each group but the root.
            let isThere = hierarchy.version == 2 ? Self.hasIdleGroups : access("\(hierarchy.mount)/cpu.idle", F_OK) == 0
            cpu?.hasIdleGroups = isThere
        }
        return Ground(
            cores: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            hasAutogroups: number("/proc/sys/kernel/sched_autogroup_enabled") == 1,
            cpu: cpu, io: groups.hierarchy(groups.io), disks: disks(),
            swappiness: number("/proc/sys/vm/swappiness"), synCookies: number("/proc/sys/net/ipv4/tcp_syncookies"),
            synBacklog: number("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
            finTimeout: number("/proc/sys/net/ipv4/tcp_fin_timeout"))
    }

    private func disks() -> [String: Ground.Disk] {
        var disks: [String: Ground.Disk] = [:]
        for name in Directory.entries("/sys/block")
        where !name.hasPrefix(".") && !name.hasPrefix("ram") && !name.hasPrefix("zram") {
            guard TextFile.read("/sys/block/\(name)/size").flatMap({ Int($0) }) ?? 0 > 0,
                let number = TextFile.read("/sys/block/\(name)/dev"),
                let schedulers = TextFile.read("/sys/block/\(name)/queue/scheduler")
            else { continue }
            // `none [mq-deadline] bfq`
            let chosen = schedulers.split(separator: " ").first { $0.hasPrefix("[") }
            disks[number] = Ground.Disk(
                name: name, scheduler: chosen.map { String($0.dropFirst().dropLast()) } ?? schedulers)
        }
        return disks
    }

    /// Linux 5.15 brought `cpu.idle`.
    private static var hasIdleGroups: Bool {
        let release = (TextFile.read("/proc/sys/kernel/osrelease") ?? "").split(separator: ".").prefix(2).compactMap {
            Int($0)
        }
        return release.count == 2 && (release[0], release[1]) >= (5, 15)
    }
}
