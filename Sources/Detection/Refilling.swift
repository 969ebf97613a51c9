import Model

/// Who suffered from a shortage of memory a moment ago, and reads once more what it had: its share of the I/O is the
/// shortage's still, when whoever took the memory is gone.
struct Refilling: Sendable {
    /// Seconds for which it is remembered.
    private static let memory = 15.0

    private var suffered: [ProcessIdentity: Double] = [:]
    private var time = 0.0

    var isEmpty: Bool { suffered.isEmpty }

    func contains(_ process: ProcessIdentity) -> Bool { suffered[process] != nil }

    /// Takes in a tick; remembers the victims of others, of which a tick has eight at most.
    mutating func learn(_ situation: Situation) {
        time += situation.tick.interval
        suffered = suffered.filter { time - $0.value <= Self.memory }
        for victim in situation.shortage?.sufferers ?? [] where victim.process.readsThroughMajorFaults {
            suffered[victim.process.identity] = time
        }
    }
}
