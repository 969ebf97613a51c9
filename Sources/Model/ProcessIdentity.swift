/// One process and no other: a pid that is reused has another start time.
public struct ProcessIdentity: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Thread-group id in the initial pid namespace.
    public var pid: Int32
    /// Start of the thread-group leader since boot in clock ticks of 10 ms: field 22 of `/proc/PID/stat`, and
    /// `start_boottime / 10^7` in the kernel.
    public var startTicks: UInt64

    /// Names a process.
    public init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// Reads `PID@START`; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let pid = Int32(parts[0]), let startTicks = UInt64(parts[1]), pid >= 0 else {
            return nil
        }
        self.init(pid: pid, startTicks: startTicks)
    }

    /// `PID@START`, the form used in entity ids.
    public var description: String { "\(pid)@\(startTicks)" }
}
