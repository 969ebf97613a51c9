import Foundation
import Glibc

/// A memory cgroup with a limit, v1 or v2: the way to run out of memory without taking the host along. Gone with its owner.
public final class MemoryGroup {
    private let path: String
    /// Whoever writes its pid here is in.
    public var processes: String { "\(path)/cgroup.procs" }

    public init(megabytes: Int) throws {
        let v1 = "/sys/fs/cgroup/memory"
        let isV1 = FileManager.default.fileExists(atPath: "\(v1)/memory.limit_in_bytes")
        path = "\(isV1 ? v1 : "/sys/fs/cgroup")/kernelsight-faultlab-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let limit = "\(path)/\(isV1 ? "memory.limit_in_bytes" : "memory.max")"
        try "\(megabytes << 20)".write(toFile: limit, atomically: false, encoding: .utf8)
    }

    deinit { try? wait(5, for: "the cgroup to empty") { rmdir(path) == 0 } }
}
