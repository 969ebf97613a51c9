import Glibc

/// Remembers a value for a moment: however many ask, it is made at most once in that time. What fails is not remembered.
final class Recent<Value: Sendable>: @unchecked Sendable {
    // @unchecked because `value` and `expires` are only touched while `mutex` is held. A pthread mutex, because
    // Synchronization's hands over through the kernel on Linux, and every request comes through here.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let lifetime: Duration
    private var value: Value?
    private var expires = ContinuousClock.now

    init(lifetime: Duration) {
        self.lifetime = lifetime
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// The remembered value, or the one that `make` makes; who comes meanwhile waits for it.
    func value(_ make: () throws -> Value) throws -> Value {
        let now = ContinuousClock.now
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if let value, now < expires { return value }
        value = nil
        let made = try make()
        value = made
        expires = now + lifetime
        return made
    }
}
