import CFastCGI
import Glibc
import Synchronization

/// A FastCGI responder on a unix socket: `threads` threads, each of which serves one connection at a time.
///
/// A kept connection holds its thread, busy or not. So that kept ones never starve new ones, a connection is kept only
/// while at least a quarter of the threads are free; else it is closed after its reply, and the web server opens
/// another. All connections are kept as long as nginx worker processes × `keepalive` ≤ ¾ × `threads`.
public final class Server: Sendable {
    /// What one request may bring.
    public struct Limits: Sendable {
        /// FastCGI parameters, headers and query string included.
        public var parameterBytes: Int
        public var bodyBytes: Int
        /// Seconds that a connection may be silent, between requests or inside one. Longer than the web server keeps
        /// idle connections, so that it is the one who closes.
        public var silenceSeconds: Int

        public init(parameterBytes: Int = 65_536, bodyBytes: Int = 65_536, silenceSeconds: Int = 75) {
            self.parameterBytes = parameterBytes
            self.bodyBytes = bodyBytes
            self.silenceSeconds = silenceSeconds
        }
    }

    /// Counts since the start.
    public struct Statistics: Sendable {
        public var pid: pid_t
        /// Nanoseconds since 1970.
        public var started: Int64
        public var threads: Int
        /// Connections that are open, and how many there have been.
        public var open = 0
        public var connections = 0
        public var requests = 0
        /// Requests being handled now, and the most there have been at once.
        public var busy = 0
        public var maximumBusy = 0
        /// Replies with a status from 500 on.
        public var failures = 0
    }

    /// Called on many threads at once, with the server itself.
    public typealias Handler = @Sendable (Request, Server) -> Response

    /// One thread's place. What threads share are single numbers and no lock: Synchronization's Mutex hands over through
    /// the kernel on Linux, and several requests at once would queue up in that.
    private final class Slot: Sendable {
        /// The connection from which the thread is waiting for a request, or reading one; −1 while it does anything else.
        let idle = Atomic<Int32>(-1)
    }

    private struct Counters: ~Copyable {
        /// Connections that are open, which is also how many threads are taken.
        let open = Atomic(0)
        let connections = Atomic(0)
        let requests = Atomic(0)
        let busy = Atomic(0)
        let maximumBusy = Atomic(0)
        let failures = Atomic(0)
    }

    private let socket: ListeningSocket
    private let slots: [Slot]
    private let limits: Limits
    private let handler: Handler
    private let counters = Counters()
    private let path: String
    private let pid = getpid()
    private let started: Int64
    private let isStopping = Atomic(false)
    private let threads = Mutex<[pthread_t]>([])

    /// Binds the socket and listens; nothing is served before `start`.
    ///
    /// - Parameters:
    ///   - path: The socket's file. A stale one is replaced, a live one is an error.
    ///   - mode: The file's mode; who may connect needs write permission.
    ///   - group: The file's group, or the process's.
    ///   - threads: 1–512.
    ///   - backlog: Connections that may wait for a thread; the kernel caps it at `net.core.somaxconn`.
    ///   - handler: Answers each request; must not fail.
    public init(
        path: String, mode: UInt32 = 0o660, group: UInt32? = nil, threads: Int, backlog: Int32 = 511,
        limits: Limits = Limits(), handler: @escaping Handler
    ) throws(ListenError) {
        guard (1...512).contains(threads) else {
            throw ListenError(description: "\(threads) threads: 1 to 512 are allowed")
        }
        FCGX_Init()
        // glibc gives threads up to eight heaps per CPU, and each keeps what was freed in it.
        mallopt(M_ARENA_MAX, 2)
        socket = try ListeningSocket(path: path, mode: mode, group: group, backlog: backlog)
        slots = (0..<threads).map { _ in Slot() }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        started = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
        self.path = path
        self.limits = limits
        self.handler = handler
    }

    deinit { close(socket.descriptor) }

    public var statistics: Statistics {
        var statistics = Statistics(pid: pid, started: started, threads: slots.count)
        statistics.open = counters.open.load(ordering: .relaxed)
        statistics.connections = counters.connections.load(ordering: .relaxed)
        statistics.requests = counters.requests.load(ordering: .relaxed)
        statistics.busy = counters.busy.load(ordering: .relaxed)
        statistics.maximumBusy = counters.maximumBusy.load(ordering: .relaxed)
        statistics.failures = counters.failures.load(ordering: .relaxed)
        return statistics
    }

    /// This server and the others that `run` beside it, by name of the socket; those as they were a second ago at most. And whether
    /// they know of this one by the file beside its socket.
    public var pool: (servers: [(name: String, Statistics)], isKnown: Bool) {
        let own = path.split(separator: "/").last.map(String.init) ?? path
        let all = Scoreboard.all(besides: path)
        let servers = all.filter { $0.name != own } + [(own, statistics)]
        return (servers.sorted { $0.name < $1.name }, all.contains { $0.1.pid == pid })
    }

    /// Starts, waits for SIGTERM or SIGINT, and stops. Calls `onHangup` for each SIGHUP meanwhile, on this thread. Call it
    /// before any other thread exists: the signals are blocked in this thread, and threads inherit that.
    public func run(onHangup: () -> Void) throws(ListenError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        try start()
        let scoreboard = Scoreboard(socket: path)
        while true {
            scoreboard?.write(statistics)
            var pause = timespec(tv_sec: 1, tv_nsec: 0)
            let signal = sigtimedwait(&signals, nil, &pause)
            if signal == SIGHUP { onHangup() } else if signal > 0 { break }
        }
        stop()
    }

    /// Starts the threads.
    public func start() throws(ListenError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        // Address space, not memory: a thread costs what it touches.
        pthread_attr_setstacksize(&attributes, 512 * 1024)
        defer { pthread_attr_destroy(&attributes) }
        for slot in slots {
            var thread = pthread_t()
            let task = Unmanaged.passRetained(Task { self.serve(slot: slot) })
            let result = pthread_create(&thread, &attributes, perform, task.toOpaque())
            guard result == 0 else {
                task.release()
                stop()
                throw ListenError(
                    description:
                        "cannot start \(slots.count) threads: \(String(cString: strerror(result))); ask for fewer")
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Takes no more connections, lets requests in progress finish, and returns when all threads have ended.
    public func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        socket.stop()
        // A thread first says what it reads from and then looks whether to stop, so that one of the two sees the other.
        for slot in slots {
            let connection = slot.idle.load(ordering: .sequentiallyConsistent)
            if connection >= 0 { shutdown(connection, Int32(SHUT_RD)) }
        }
        let threads = self.threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    /// What each thread does until `stop`.
    private func serve(slot: Slot) {
        let exchange = Exchange()
        let reserve = max(1, slots.count / 4)
        while true {
            if exchange.connection < 0 {
                let connection = socket.accept()
                guard connection >= 0 else {
                    // Out of descriptors or memory: what is open must end first.
                    if errno != EINTR && errno != ECONNABORTED { usleep(10_000) }
                    if isStopping.load(ordering: .relaxed) { return }
                    continue
                }
                limitSilence(of: connection)
                counters.open.add(1, ordering: .relaxed)
                counters.connections.add(1, ordering: .relaxed)
                exchange.open(connection)
            }
            slot.idle.store(exchange.connection, ordering: .sequentiallyConsistent)
            if isStopping.load(ordering: .sequentiallyConsistent) {
                // Or the number would stay there for stop() to shut down, when it is another file's.
                slot.idle.store(-1, ordering: .sequentiallyConsistent)
                return exchange.close()
            }
            let request = exchange.read(limits: limits)
            slot.idle.store(-1, ordering: .sequentiallyConsistent)
            if let request {
                counters.requests.add(1, ordering: .relaxed)
                let busy = counters.busy.add(1, ordering: .relaxed).newValue
                counters.maximumBusy.max(busy, ordering: .relaxed)
                let response = handler(request, self)
                if response.status >= 500 { counters.failures.add(1, ordering: .relaxed) }
                counters.busy.subtract(1, ordering: .relaxed)
                let free = slots.count - counters.open.load(ordering: .relaxed)
                exchange.write(
                    response, withBody: request.method != "HEAD",
                    keeping: free >= reserve && !isStopping.load(ordering: .relaxed))
            }
            if exchange.connection < 0 { counters.open.subtract(1, ordering: .relaxed) }
        }
    }

    private func limitSilence(of connection: Int32) {
        var limit = timeval(tv_sec: limits.silenceSeconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(connection, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }
}

/// What a thread is born to do.
private final class Task: Sendable {
    let body: @Sendable () -> Void
    init(body: @escaping @Sendable () -> Void) { self.body = body }
}

private func perform(_ task: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let task else { return nil }
    Unmanaged<Task>.fromOpaque(task).takeRetainedValue().body()
    return nil
}
