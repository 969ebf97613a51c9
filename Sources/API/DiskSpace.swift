import Glibc
import Model

/// The room on the file system that holds the database, as it is for users other than root.
struct DiskSpace {
    var directory: String
    var freeBytes: UInt64
    /// In use and free.
    var totalBytes: UInt64

    /// Asks the kernel; `nil` when it cannot tell.
    static func besides(database: String) -> DiskSpace? {
        let directory = DataDirectory.of(database)
        var system = statvfs()
        guard statvfs(directory, &system) == 0, system.f_blocks > 0 else { return nil }
        let usable = system.f_blocks - system.f_bfree + system.f_bavail
        return DiskSpace(
            directory: directory, freeBytes: UInt64(system.f_bavail * system.f_frsize),
            totalBytes: UInt64(usable * system.f_frsize))
    }

    /// 0–1.
    var freeShare: Double { totalBytes == 0 ? 0 : Double(freeBytes) / Double(totalBytes) }

    var status: ComponentState.Status {
        if freeShare < 0.01 || freeBytes < 32_000_000 { return .error }
        return freeShare < 0.05 || freeBytes < 256_000_000 ? .warning : .ok
    }

    /// One line for people.
    var message: String {
        let free = "\(freeBytes / 1_000_000) of \(totalBytes / 1_000_000) MB are free at \(directory)"
        return status == .ok ? free : "\(free); on a full disk nothing more is recorded: make room"
    }
}
