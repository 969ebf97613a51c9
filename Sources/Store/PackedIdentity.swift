import Model

/// A process in one integer: start time << 22 | pid. Linux gives no pid above 2^22 (PID_MAX_LIMIT).
enum PackedIdentity {
    static let pidBits: Int64 = 22
    static let pidMask: Int64 = 1 << pidBits - 1

    /// Whether a process can be in the database: `pack` tells all those apart.
    static func holds(_ process: ProcessIdentity) -> Bool {
        process.pid >= 0 && Int64(process.pid) <= pidMask && process.startTicks < 1 << (63 - pidBits)
    }

    static func pack(_ process: ProcessIdentity) -> Int64 {
        Int64(truncatingIfNeeded: process.startTicks) << pidBits | Int64(process.pid) & pidMask
    }

    static func unpack(_ packed: Int64) -> ProcessIdentity {
        ProcessIdentity(pid: Int32(packed & pidMask), startTicks: UInt64(truncatingIfNeeded: packed >> pidBits))
    }
}
