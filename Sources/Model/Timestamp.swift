/// A point in wall-clock time: nanoseconds since 1970-01-01T00:00:00Z.
///
/// Rows, signals and events carry this. Intervals are measured with the monotonic clock and never computed from two
/// timestamps, so a stepped clock cannot make a rate negative.
///
/// Times come from requests and from files that anybody may have damaged, so nothing here traps: what goes beyond 1677 or
/// 2262 stays at the bound.
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
    /// Nanoseconds since the epoch; what the database stores.
    public var nanoseconds: Int64

    /// Wraps nanoseconds since the epoch.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Whole seconds since the epoch, rounded down.
    public var seconds: Int64 { nanoseconds.floorDivided(by: 1_000_000_000) }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }

    /// This time moved by a number of seconds.
    public func advanced(bySeconds seconds: Double) -> Timestamp {
        let beyond = Timestamp(nanoseconds: seconds < 0 ? .min : .max)
        guard let distance = Int64(exactly: (seconds * 1e9).rounded(.towardZero)) else { return beyond }
        let (sum, overflows) = nanoseconds.addingReportingOverflow(distance)
        return overflows ? beyond : Timestamp(nanoseconds: sum)
    }

    /// Seconds from `other` to this time; negative if this one is earlier.
    public func seconds(since other: Timestamp) -> Double {
        let (difference, overflows) = nanoseconds.subtractingReportingOverflow(other.nanoseconds)
        return (overflows ? Double(nanoseconds) - Double(other.nanoseconds) : Double(difference)) / 1e9
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-25T03:00:00.123Z`.
    public var rfc3339: String {
        String(unsafeUninitializedCapacity: 24) {
            writeRFC3339(to: $0)
            return 24
        }
    }

    /// Writes the 24 bytes of `rfc3339`.
    func writeRFC3339(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        let day = seconds.floorDivided(by: 86_400)
        let second = Int(seconds - day * 86_400)
        let (year, month, dayOfMonth) = Timestamp.civil(fromDays: day)
        // By remainder: `seconds` is rounded down, and times a thousand million it would not fit for the year 1677.
        let remainder = nanoseconds % 1_000_000_000
        let milliseconds = Int((remainder < 0 ? remainder + 1_000_000_000 : remainder) / 1_000_000)
        func put(_ value: Int, width: Int, at offset: Int) {
            var rest = value
            for place in stride(from: offset + width - 1, through: offset, by: -1) {
                buffer[place] = UInt8(48 + rest % 10)
                rest /= 10
            }
        }
        put(year, width: 4, at: 0)
        buffer[4] = UInt8(ascii: "-")
        put(month, width: 2, at: 5)
        buffer[7] = UInt8(ascii: "-")
        put(dayOfMonth, width: 2, at: 8)
        buffer[10] = UInt8(ascii: "T")
        put(second / 3600, width: 2, at: 11)
        buffer[13] = UInt8(ascii: ":")
        put(second / 60 % 60, width: 2, at: 14)
        buffer[16] = UInt8(ascii: ":")
        put(second % 60, width: 2, at: 17)
        buffer[19] = UInt8(ascii: ".")
        put(milliseconds, width: 3, at: 20)
        buffer[23] = UInt8(ascii: "Z")
    }

    /// Proleptic Gregorian date of a day count since the epoch, by the era method (400 years are 146 097 days).
    static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.floorDivided(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))
    }
}

extension Int64 {
    /// Division that rounds towards negative infinity, for times before the epoch.
    func floorDivided(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
