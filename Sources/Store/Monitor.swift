import Glibc

/// A value behind a lock, and a way to wait for it to change, on the monotonic clock: a stepped wall clock must not hold
/// up a commit.
final class Monitor<Value: Sendable>: @unchecked Sendable {
    // @unchecked because `value` is only touched while `mutex` is held.
    private var value: Value
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    func read<Result>(_ body: (Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(value)
    }

    /// Changes the value and wakes whoever waits.
    func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return try body(&value)
    }

    /// Asks again whenever the value changed or the time it named has come, until there is an answer.
    func wait<Answer>(_ body: (inout Value) -> Waiting<Answer>) -> Answer {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            switch body(&value) {
            case .done(let answer): return answer
            case .untilChange: pthread_cond_wait(changed, mutex)
            case .until(let time):
                var deadline = timespec(
                    tv_sec: Int(time.nanoseconds / 1_000_000_000), tv_nsec: Int(time.nanoseconds % 1_000_000_000))
                pthread_cond_timedwait(changed, mutex, &deadline)
            }
        }
    }
}

/// What somebody who waits does next.
enum Waiting<Answer> {
    case done(Answer)
    case untilChange
    case until(Monotonic)
}

/// A reading of the monotonic clock.
struct Monotonic: Comparable, Sendable {
    var nanoseconds: Int64

    static var now: Monotonic {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Monotonic(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    func seconds(since other: Monotonic) -> Double { Double(nanoseconds - other.nanoseconds) / 1e9 }

    static func + (left: Monotonic, right: Duration) -> Monotonic {
        let (seconds, attoseconds) = right.components
        return Monotonic(nanoseconds: left.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    static func < (left: Monotonic, right: Monotonic) -> Bool { left.nanoseconds < right.nanoseconds }
}
