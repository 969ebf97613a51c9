import Glibc

/// Lends connections, the one that came back last first: its pages are the warmest, and what is not needed stays unopened.
final class ConnectionPool: @unchecked Sendable {
    // @unchecked because what follows is only touched while `mutex` is held. Not a `Monitor`: every request comes through
    // here twice, and wakes at most one that waits instead of all of them.
    private var idle: [ReadConnection] = []
    private var free: Int
    private var waiting = 0
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let returned = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(places: Int) {
        free = places
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(returned, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        closeIdle()
        pthread_cond_destroy(returned)
        pthread_mutex_destroy(mutex)
        returned.deallocate()
        mutex.deallocate()
    }

    /// Takes a place, with the connection that stands idle there, if there is one. Who takes one gives it back.
    func borrow(until limit: @autoclosure () -> Monotonic) throws(StoreError) -> ReadConnection? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if free == 0 {
            let limit = limit()
            var time = timespec(
                tv_sec: Int(limit.nanoseconds / 1_000_000_000), tv_nsec: Int(limit.nanoseconds % 1_000_000_000))
            waiting += 1
            defer { waiting -= 1 }
            while free == 0 {
                guard Monotonic.now < limit else { throw .busy }
                pthread_cond_timedwait(returned, mutex, &time)
            }
        }
        free -= 1
        return idle.popLast()
    }

    /// Gives a place back, with a connection for the next one unless it has been closed.
    func giveBack(_ connection: ReadConnection?) {
        pthread_mutex_lock(mutex)
        free += 1
        if let connection { idle.append(connection) }
        let isAwaited = waiting > 0
        pthread_mutex_unlock(mutex)
        if isAwaited { pthread_cond_signal(returned) }
    }

    /// Closes what nobody uses now.
    func closeIdle() {
        pthread_mutex_lock(mutex)
        let connections = idle
        idle = []
        pthread_mutex_unlock(mutex)
        for connection in connections { connection.close() }
    }
}
