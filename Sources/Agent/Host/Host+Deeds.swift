import Dispatch
import Foundation
import Glibc
import Model

extension Host {
    /// Does what cannot be taken back.
    func run(_ deed: Deed) throws(HostError) {
        switch deed {
        case .terminate(let process): try signal(.stopped(process), process, SIGTERM)
        case .sync: Self.sync(patience: 4)
        case .dropCaches(let level):
            let file = Setting.file("/proc/sys/vm/drop_caches")
            try put(file, level, into: "/proc/sys/vm/drop_caches")
        }
    }

    /// Begins to write all that is dirty, and waits so many seconds for it: on a busy disk it takes minutes, and goes on by itself.
    private static func sync(patience: Double) {
        let written = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            Glibc.sync()
            written.signal()
        }
        _ = written.wait(timeout: .now() + patience)
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
