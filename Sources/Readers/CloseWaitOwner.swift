import CLinux
import Glibc
import Model

/// Finds the process that has most of the sockets in CLOSE_WAIT.
///
/// sock_diag knows sockets by inode, and only a process's own descriptors say whose they are. So that a large host pays for
/// little of that: only while there are many such sockets, every five seconds, only processes with so many descriptors that
/// they can have a quarter of the sockets, and of each a sample of them. Descriptors of other users' processes want
/// CAP_SYS_PTRACE; without it nobody is found.
struct CloseWaitOwnerReader: ~Copyable {
    private static let pause: UInt64 = 5_000_000_000
    /// Processes whose number of descriptors is asked for, and whose descriptors are looked at.
    private static let mostProcesses = 8192
    private static let mostCandidates = 8
    private static let mostSockets = 65_536

    /// From how many sockets on somebody is looked for.
    private let least: Int
    private var directory: ProcessDirectory
    private var last: (owner: SocketOwner?, time: UInt64)?

    init(root: String, least: Int) {
        self.least = max(least, 1)
        directory = ProcessDirectory(path: root + "/proc")
    }

    mutating func read(
        _ buffer: inout ReadBuffer, _ diag: inout SocketDiag, count: Int, at now: UInt64
    ) throws(ReaderError) -> SocketOwner? {
        guard count >= least else {
            last = nil
            return nil
        }
        if let last, now &- last.time < Self.pause { return last.owner }
        let sockets = try diag.list([.closeWait], into: Sockets()) { $0.add($1) }
        let owner = try search(for: sockets, &buffer)
        last = (owner, now)
        return owner
    }

    /// Those in CLOSE_WAIT.
    private struct Sockets {
        var inodes: Set<UInt64> = []
        var total = 0

        mutating func add(_ socket: clinux_tcp_socket) {
            total += 1
            if socket.inode != 0, inodes.count < mostSockets { inodes.insert(UInt64(socket.inode)) }
        }
    }

    private mutating func search(for sockets: Sockets, _ buffer: inout ReadBuffer) throws(ReaderError) -> SocketOwner? {
        var best: (pid: Int32, count: Int)?
        for candidate in try candidates(least: max(sockets.total / 4, 1)) {
            let count = try count(sockets.inodes, of: candidate, &buffer)
            // Descriptors that a parent and its children share count for the one that came first.
            if count > best?.count ?? 0 || count == best?.count && candidate < best?.pid ?? 0 {
                best = (candidate, count)
            }
        }
        guard let best, let stat = try directory.read("/stat", of: best.pid, &buffer, ProcessStat.init(parsing:)) else {
            return nil
        }
        let cgroup = try directory.read("/cgroup", of: best.pid, &buffer, CgroupPath.parse)
        return SocketOwner(
            identity: stat.identity, comm: stat.comm, cgroup: cgroup ?? "/", count: min(best.count, sockets.total),
            total: sockets.total)
    }

    /// The processes with the most descriptors, if they have that many.
    private mutating func candidates(least: Int) throws(ReaderError) -> [Int32] {
        var found: [(pid: Int32, descriptors: Int)] = []
        for _ in 0..<Self.mostProcesses {
            guard let pid = try directory.next() else { break }
            let descriptors = try directory.descriptors(of: pid)
            if descriptors >= least { found.append((pid, descriptors)) }
        }
        return found.sorted { ($1.descriptors, $0.pid) < ($0.descriptors, $1.pid) }.prefix(Self.mostCandidates)
            .map(\.pid)
    }

    /// How many of these sockets a process has open: by all of its descriptors, or by a sample of them.
    private mutating func count(
        _ inodes: Set<UInt64>, of pid: Int32, _ buffer: inout ReadBuffer
    ) throws(ReaderError) -> Int {
        guard let size = try directory.read("/status", of: pid, &buffer, DescriptorSample.tableSize(parsing:)) else {
            return 0
        }
        let descriptors = try directory.open("/fd", of: pid)
        guard descriptors >= 0 else { return 0 }
        defer { close(descriptors) }
        let sample = DescriptorSample(tableSize: size)
        let found = sample.numbers.count { number in
            buffer.readLink(String(number), in: descriptors).flatMap(DescriptorSample.inode(parsing:))
                .map(inodes.contains) ?? false
        }
        return min(sample.estimate(found), inodes.count)
    }
}
