import Foundation
import Glibc

/// A cgroup with a limit, v1 or v2: the way to run out of something without taking the host along. Gone with its owner.
final class ControlGroup {
    private let path: String
    /// Whoever writes its pid here is in.
    var processes: String { "\(path)/cgroup.procs" }

    /// Limits memory.
    static func memory(megabytes: Int) throws -> ControlGroup {
        try ControlGroup(
            "memory", v1: ("memory.limit_in_bytes", "\(megabytes << 20)"), v2: ("memory.max", "\(megabytes << 20)"))
    }

    enum Direction: String { case read, write }

    /// Limits what is read from or written to a disk, `MAJOR:MINOR`, one way: the other is as fast as ever.
    static func disk(_ device: String, _ direction: Direction, bytesPerSecond: Int) throws -> ControlGroup {
        try ControlGroup(
            "blkio", v1: ("blkio.throttle.\(direction.rawValue)_bps_device", "\(device) \(bytesPerSecond)"),
            v2: ("io.max", "\(device) \(direction.rawValue.prefix(1))bps=\(bytesPerSecond)"))
    }

    private init(_ controller: String, v1: (file: String, value: String), v2: (file: String, value: String)) throws {
        let root = "/sys/fs/cgroup"
        let isV1 = FileManager.default.fileExists(atPath: "\(root)/\(controller)")
        path = "\(isV1 ? "\(root)/\(controller)" : root)/kernelsight-faultlab-\(getpid())"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let (file, value) = isV1 ? v1 : v2
        try value.write(toFile: "\(path)/\(file)", atomically: false, encoding: .utf8)
    }

    /// Whoever was in it may take a moment to be gone.
    deinit {
        for _ in 0..<100 where rmdir(path) != 0 && errno == EBUSY { usleep(50_000) }
    }
}
