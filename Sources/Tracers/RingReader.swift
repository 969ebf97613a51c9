import CLibBPF
import Glibc
import Synchronization

/// Empties the ring buffers: all of them once a tick, and one that is more than half full as soon as the kernel says so.
final class RingReader: Sendable {
    /// Records of one ring buffer that wait to be taken, all of one size.
    final class Queue: Sendable {
        struct State {
            var bytes: [UInt8] = []
            var limit: Int
            var dropped: UInt64 = 0
        }

        let recordSize: Int
        fileprivate let state: Mutex<State>

        init(recordSize: Int, limit: Int) {
            self.recordSize = recordSize
            state = Mutex(State(limit: limit))
        }

        /// Records that are kept until somebody takes them; the rest is dropped and counted.
        var limit: Int {
            get { state.withLock(\.limit) }
            set { state.withLock { $0.limit = newValue } }
        }

        /// Everything that has come since the last call, in order.
        func take() -> [UInt8] {
            state.withLock { state in
                defer { state.bytes = [] }
                return state.bytes
            }
        }

        /// Drops what waits to be taken.
        func discard() {
            state.withLock { state in
                state.dropped += UInt64(state.bytes.count / recordSize)
                state.bytes = []
            }
        }

        /// Records that found no room here, or that nobody wanted.
        var dropped: UInt64 { state.withLock(\.dropped) }

        fileprivate func append(_ record: UnsafeRawBufferPointer) {
            state.withLock { state in
                guard record.count >= recordSize, state.bytes.count < state.limit * recordSize else {
                    state.dropped += 1
                    return
                }
                state.bytes.append(contentsOf: record.prefix(recordSize))
            }
        }
    }

    private struct Rings: ~Copyable {
        /// One libbpf reader per ring; it copies what it is asked for and knows nothing of threads.
        var readers: [UInt64] = []
        var queues: [Queue] = []
    }

    private let rings = Mutex(Rings())
    private let epoll: Int32
    private let stopSignal: Int32
    private let thread: Mutex<pthread_t?> = Mutex(nil)

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        stopSignal = eventfd(0, Int32(EFD_CLOEXEC))
        watch(stopSignal)
    }

    deinit {
        close()
        Glibc.close(stopSignal)
        Glibc.close(epoll)
    }

    /// Reads a ring buffer from now on. Its map must stay loaded until `close`.
    func add(ring descriptor: Int32, recordSize: Int, limit: Int) throws(LoadFailure) -> Queue {
        let queue = Queue(recordSize: recordSize, limit: limit)
        // Unretained: `rings` keeps the queue for as long as the reader lives.
        let context = Unmanaged.passUnretained(queue).toOpaque()
        let receive: ring_buffer_sample_fn = { @Sendable context, data, size in
            guard let context, let data else { return 0 }
            Unmanaged<Queue>.fromOpaque(context).takeUnretainedValue()
                .append(UnsafeRawBufferPointer(start: data, count: size))
            return 0
        }
        guard let reader = ring_buffer__new(descriptor, receive, context, nil) else {
            throw LoadFailure("mapping a ring buffer", errno: errno, log: "")
        }
        let address = UInt64(UInt(bitPattern: reader))
        rings.withLock { rings in
            rings.readers.append(address)
            rings.queues.append(queue)
        }
        watch(descriptor)
        return queue
    }

    /// Copies everything that is in the ring buffers into their queues.
    func drain() {
        rings.withLock { rings in
            for reader in rings.readers { ring_buffer__consume(OpaquePointer(bitPattern: UInt(reader))) }
        }
    }

    /// Waits for half-full buffers on a thread of its own.
    func start() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        thread.withLock { thread in
            guard thread == nil else { return }
            var handle = pthread_t()
            let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { @Sendable context in
                guard let context else { return nil }
                // Unretained: `close` joins this thread before the reader goes away.
                Unmanaged<RingReader>.fromOpaque(context).takeUnretainedValue().wait()
                return nil
            }
            if pthread_create(&handle, nil, body, context) == 0 { thread = handle }
        }
    }

    /// Leaves the buffers alone between ticks from now on.
    func stop() {
        thread.withLock { thread in
            guard let handle = thread else { return }
            var one: UInt64 = 1
            write(stopSignal, &one, 8)
            pthread_join(handle, nil)
            thread = nil
        }
    }

    /// Stops, and lets go of the buffers.
    func close() {
        stop()
        rings.withLock { rings in
            for reader in rings.readers { ring_buffer__free(OpaquePointer(bitPattern: UInt(reader))) }
            rings.readers = []
        }
    }

    private func wait() {
        var event = epoll_event()
        while true {
            let count = epoll_wait(epoll, &event, 1, -1)
            if count < 0, errno != EINTR { return }
            if count == 1, event.data.fd == stopSignal { return }
            if count == 1 { drain() }
        }
    }

    /// Edge-triggered: level-triggered, a buffer that is never empty would wake us for every record.
    private func watch(_ descriptor: Int32) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | EPOLLET.rawValue
        event.data.fd = descriptor
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
    }
}
