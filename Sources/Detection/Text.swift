/// Numbers as people read them.
enum Text {
    /// No decimals from 10 on, one below: `412`, `3.4`.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return "?" }
        let tenths = Int64((min(abs(value), 1e15) * 10).rounded())
        let sign = value < 0 && tenths > 0 ? "-" : ""
        if tenths >= 100 || tenths % 10 == 0 { return sign + String((tenths + 5) / 10) }
        return sign + "\(tenths / 10).\(tenths % 10)"
    }

    /// A share (0–1) as a number of percent, without the sign.
    static func percent(_ share: Double) -> String { number(share * 100) }

    /// Powers of 1000: `312 MB`.
    static func bytes(_ value: Double) -> String {
        var value = value
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 999.5 { return "\(number(value)) \(unit)" }
            value /= 1000
        }
        return "\(number(value)) TB"
    }
}
