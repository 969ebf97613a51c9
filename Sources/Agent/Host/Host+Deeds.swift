import Glibc
import Model

extension Host {
    /// Does what cannot be taken back.
    func run(_ deed: Deed) throws(HostError) {
        switch deed {
        case .terminate(let process): try signal(.stopped(process), process, SIGTERM)
        case .sync: Glibc.sync()
        case .dropCaches(let level):
            let file = Setting.file("/proc/sys/vm/drop_caches")
            try put(file, level, into: "/proc/sys/vm/drop_caches")
        }
    }

    /// Moves whoever was forked into a group since to where their parents are again, as only an empty one can go.
    func evacuate(_ group: String, to home: String) {
        for _ in 0..<10 {
            let members = (TextFile.read(group + "/cgroup.procs") ?? "").split(separator: "\n")
            if members.isEmpty { return }
            for pid in members { _ = TextFile.write(home + "/cgroup.procs", String(pid)) }
        }
    }
}
