import Synchronization

/// Remembers a value for a moment: however many ask, it is made at most once in that time. What fails is not remembered.
final class Recent<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var value: Value
        var expires: ContinuousClock.Instant
    }

    private let lifetime: Duration
    private let entry = Mutex<Entry?>(nil)

    init(lifetime: Duration) { self.lifetime = lifetime }

    /// The remembered value, or the one that `make` makes; who comes meanwhile waits for it.
    func value(_ make: () throws -> Value) throws -> Value {
        try entry.withLock { entry in
            let now = ContinuousClock.now
            if let entry, now < entry.expires { return entry.value }
            entry = nil
            let value = try make()
            entry = Entry(value: value, expires: now + lifetime)
            return value
        }
    }
}
