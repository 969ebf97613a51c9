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
        public var connections = 0
        public var requests = 0
        /// Requests being handled now, and the most there have been at once.
        public var busy = 0
        public var maximumBusy = 0

        public init() {}
    }

    /// Called on many threads at once, with the server itself.
    public typealias Handler = @Sendable (Request, Server) -> Response

    private struct State {
        var isStopping = false
        /// By thread, the connection from which it is waiting for a request, or reading one; −1 while it does anything
        /// else.
        var idle: [Int32]
        /// Connections that are open, which is also how many threads are taken.
        var open = 0
        var threads: [pthread_t] = []
        var statistics = Statistics()
    }

    private let socket: ListeningSocket
    private let threadCount: Int
    private let limits: Limits
    private let handler: Handler
    private let state: Mutex<State>

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
        socket = try ListeningSocket(path: path, mode: mode, group: group, backlog: backlog)
        threadCount = threads
        state = Mutex(State(idle: Array(repeating: -1, count: threads)))
        self.limits = limits
        self.handler = handler
    }

    deinit { close(socket.descriptor) }

    public var statistics: Statistics { state.withLock { $0.statistics } }

    /// Starts, waits for SIGTERM or SIGINT, and stops. Call it before any other thread exists: the signals are blocked
    /// in this thread, and threads inherit that.
    public func run() throws(ListenError) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        try start()
        var signal: Int32 = 0
        while sigwait(&signals, &signal) != 0 {}
        stop()
    }

    /// Starts the threads.
    public func start() throws(ListenError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        // Address space, not memory: a thread costs what it touches.
        pthread_attr_setstacksize(&attributes, 512 * 1024)
        defer { pthread_attr_destroy(&attributes) }
        for slot in 0..<threadCount {
            var thread = pthread_t()
            let task = Unmanaged.passRetained(Task { self.serve(slot: slot) })
            let result = pthread_create(&thread, &attributes, perform, task.toOpaque())
            guard result == 0 else {
                task.release()
                stop()
                throw ListenError(
                    description:
                        "cannot start \(threadCount) threads: \(String(cString: strerror(result))); ask for fewer")
            }
            state.withLock { $0.threads.append(thread) }
        }
    }

    /// Takes no more connections, lets requests in progress finish, and returns when all threads have ended.
    public func stop() {
        let threads = state.withLock { state in
            state.isStopping = true
            socket.stop()
            for connection in state.idle where connection >= 0 { shutdown(connection, Int32(SHUT_RD)) }
            defer { state.threads = [] }
            return state.threads
        }
        for thread in threads { pthread_join(thread, nil) }
    }

    /// What each thread does until `stop`.
    private func serve(slot: Int) {
        let exchange = Exchange()
        let reserve = max(1, threadCount / 4)
        while true {
            if exchange.connection < 0 {
                let connection = socket.accept()
                guard connection >= 0 else {
                    // Out of descriptors or memory: what is open must end first.
                    if errno != EINTR && errno != ECONNABORTED { usleep(10_000) }
                    if state.withLock({ $0.isStopping }) { return }
                    continue
                }
                limitSilence(of: connection)
                state.withLock {
                    $0.open += 1
                    $0.statistics.connections += 1
                }
                exchange.open(connection)
            }
            let connection = exchange.connection
            let isStopping = state.withLock {
                $0.idle[slot] = connection
                return $0.isStopping
            }
            if isStopping { return exchange.close() }
            let request = exchange.read(limits: limits)
            state.withLock {
                $0.idle[slot] = -1
                guard request != nil else {
                    $0.open -= 1
                    return
                }
                $0.statistics.requests += 1
                $0.statistics.busy += 1
                $0.statistics.maximumBusy = max($0.statistics.maximumBusy, $0.statistics.busy)
            }
            guard let request else { continue }
            let response = handler(request, self)
            let keeping = state.withLock {
                $0.statistics.busy -= 1
                return !$0.isStopping && threadCount - $0.open >= reserve
            }
            exchange.write(response, withBody: request.method != "HEAD", keeping: keeping)
            if exchange.connection < 0 { state.withLock { $0.open -= 1 } }
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
