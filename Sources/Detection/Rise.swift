/// How far a number is above the lowest that it has been of late: what a leak adds, and what has always been there does not.
struct Rise: Sendable {
    /// Minutes that are remembered.
    private static let window = 10

    private var lows: [(minute: Int, value: Double)] = []

    /// - Parameter seconds: a clock that only goes forward.
    mutating func above(_ value: Double, at seconds: Double) -> Double {
        let minute = Int(seconds / 60)
        lows.removeAll { $0.minute <= minute - Self.window }
        if let last = lows.last, last.minute == minute {
            lows[lows.count - 1].value = min(last.value, value)
        } else {
            lows.append((minute, value))
        }
        return value - lows.reduce(value) { min($0, $1.value) }
    }
}
