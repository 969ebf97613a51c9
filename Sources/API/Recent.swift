import Glibc

/// Remembers a value, or why there is none, for a moment: however many ask, it is made at most once in that time.
final class Recent<Value: Sendable>: @unchecked Sendable {
    // @unchecked because `result` and `expires` are only touched while `mutex` is held. A pthread mutex, because
    // Synchronization's hands over through the kernel on Linux, and every request comes through here.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let lifetime: Duration
    private var result: Result<Value, any Error>?
    private var expires = ContinuousClock.now

    init(lifetime: Duration) {
        self.lifetime = lifetime
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// What is remembered, or what `make` makes. Who comes meanwhile waits for it and shares it, an error too: else each of
    /// those who wait would in turn wait for a time limit of its own.
    func value(_ make: () throws -> Value) throws -> Value {
        // Nothing is remembered, so nobody has to wait.
        guard lifetime > .zero else { return try make() }
        let arrival = ContinuousClock.now
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if let result, arrival < expires { return try result.get() }
        let made = Result { try make() }
        result = made
        // Counted from here: making it may take longer than the lifetime.
        expires = ContinuousClock.now + lifetime
        return try made.get()
    }
}
