import CLinux
import Glibc
import Model

/// Finds where the ports that connect() chooses from are nearest to run out.
///
/// Listing connections costs what they are many, so that it is done only when there are half as many as the range has ports, and
/// a long list is not made again for three seconds; until then the last result holds.
struct LocalPortReader: ~Copyable {
    private static let pause: UInt64 = 3_000_000_000
    /// Connections that make a list long: 1.5 ms. The kernel walks all, whatever it then lists.
    private static let long = 4096

    private var range: ProcFile
    private var reuse: ProcFile
    private var reuseDelay: ProcFile
    private var timestamps: ProcFile
    private var last: (reading: LocalPortReading?, time: UInt64)?

    init(root: String) {
        let settings = root + "/proc/sys/net/ipv4/"
        range = ProcFile(settings + "ip_local_port_range")
        reuse = ProcFile(settings + "tcp_tw_reuse")
        reuseDelay = ProcFile(settings + "tcp_tw_reuse_delay")
        timestamps = ProcFile(settings + "tcp_timestamps")
    }

    /// - Parameter connections: those that may have such a port, in whatever state.
    mutating func read(
        _ buffer: inout ReadBuffer, _ diag: inout SocketDiag, connections: Int, at now: UInt64
    ) throws(ReaderError) -> LocalPortReading? {
        let ports = try range.read(&buffer, Self.range(parsing:))
        guard connections * 2 >= ports.count else {
            last = nil
            return nil
        }
        if let last, now &- last.time < Self.pause { return last.reading }
        let none = LocalPortUse(range: ports, reuse: reuseRule(&buffer))
        let use = try diag.list(LocalPortUse.states, ports: ports, into: none) { $0.add($1) }
        let reading = use.fullest
        last = connections > Self.long ? (reading, now) : nil
        return reading
    }

    private mutating func reuseRule(_ buffer: inout ReadBuffer) -> TimeWaitReuse {
        func setting(_ file: inout ProcFile, _ buffer: inout ReadBuffer, otherwise: UInt64) -> UInt64 {
            (try? file.read(&buffer) { Scanner.number(in: $0) }) ?? otherwise
        }
        guard setting(&timestamps, &buffer, otherwise: 1) != 0 else { return TimeWaitReuse(whose: .nobody) }
        let delay = setting(&reuseDelay, &buffer, otherwise: 1000)
        return TimeWaitReuse(
            whose: .init(rawValue: setting(&reuse, &buffer, otherwise: 0)) ?? .nobody,
            delay: UInt32(clamping: delay))
    }

    /// `32768	60999`
    static func range(parsing bytes: UnsafeRawBufferPointer) -> ClosedRange<UInt16>? {
        var file = Scanner(bytes)
        guard let low = file.number().flatMap(UInt16.init(exactly:)),
            let high = file.number().flatMap(UInt16.init(exactly:)), low <= high
        else { return nil }
        return low...high
    }
}

/// Whether connect() may take the port of a connection in TIME_WAIT: the kernel's `tcp_twsk_unique`. Whether the other end has
/// agreed on timestamps, which it wants too, sock_diag does not say; nearly all do.
struct TimeWaitReuse {
    /// `net.ipv4.tcp_tw_reuse`.
    enum Whose: UInt64 {
        case nobody = 0
        case everybody = 1
        case loopback = 2
    }

    var whose: Whose
    /// Milliseconds that it must have been in TIME_WAIT.
    var delay: UInt32 = 1000

    /// `TCP_TIMEWAIT_LEN`.
    private static let length: UInt32 = 60_000

    func frees(_ socket: clinux_tcp_socket) -> Bool {
        guard socket.state == SocketDiag.State.timeWait.rawValue,
            socket.expires_ms <= Self.length - min(delay, Self.length)
        else { return false }
        switch whose {
        case .nobody: return false
        case .everybody: return true
        case .loopback: return IPAddress(socket.local).isLoopback || IPAddress(socket.remote).isLoopback
        }
    }
}

/// Counts ports in use by who is connected to whom.
struct LocalPortUse {
    /// Every state in which a connection has a port and both ends are known.
    static let states: [SocketDiag.State] = [
        .established, .synSent, .finWait1, .finWait2, .timeWait, .closeWait, .lastAck, .closing,
    ]
    /// Destinations beyond these are not counted: with so many, none is near the limit.
    private static let most = 65_536

    private struct Path: Hashable {
        var local: IPAddress
        var remote: IPAddress
        var port: UInt16
    }

    private struct Use {
        var taken = 0
        var timeWait = 0
    }

    let range: ClosedRange<UInt16>
    let reuse: TimeWaitReuse
    /// Sockets that were looked at.
    private(set) var listed = 0
    private var uses: [Path: Use] = [:]

    init(range: ClosedRange<UInt16>, reuse: TimeWaitReuse) {
        self.range = range
        self.reuse = reuse
    }

    mutating func add(_ socket: clinux_tcp_socket) {
        listed += 1
        guard !reuse.frees(socket) else { return }
        let path = Path(
            local: IPAddress(socket.local), remote: IPAddress(socket.remote), port: socket.remote_port)
        guard uses.count < Self.most || uses[path] != nil else { return }
        uses[path, default: Use()].taken += 1
        if socket.state == SocketDiag.State.timeWait.rawValue { uses[path]?.timeWait += 1 }
    }

    /// The path with the fewest ports left; of equal ones the same every time.
    var fullest: LocalPortReading? {
        let most = uses.values.map(\.taken).max() ?? 0
        return uses.lazy.filter { $0.value.taken == most }.map { path, use in
            LocalPortReading(
                source: path.local.text, destination: "\(path.remote.textBeforePort):\(path.port)", taken: use.taken,
                timeWait: use.timeWait, range: range.count)
        }.min { ($0.destination, $0.source) < ($1.destination, $1.source) }
    }
}
