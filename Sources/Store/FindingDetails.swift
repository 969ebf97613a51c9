import Glibc
import Model

/// What a rule found, as `signals.details` keeps it: `[[culprit…],[victim…],[input…]]`, where each is an array of numbers.
///
///     culprit  pid, start_ticks, id in parties, share
///     victim   pid, start_ticks, id in parties, stall_milliseconds_per_second
///     input    id in inputs, value, median, p95, hour
///
/// Numbers have four significant digits. What an input lacks at its end is left out, `null` before that.
enum FindingDetails {
    /// Who, and what the number beside it is of.
    struct Party: Hashable {
        var comm: String
        var cgroup: String
        var measure: String

        /// Few are told apart by the measure alone.
        func hash(into hasher: inout Hasher) {
            hasher.combine(comm)
            hasher.combine(cgroup)
        }
    }

    /// What was looked at, over how many seconds, and what it was compared with.
    struct Input: Hashable {
        var metric: String
        var unit: String
        var window: Double
        var threshold: Double?

        /// Few are told apart by unit or threshold alone.
        func hash(into hasher: inout Hasher) {
            hasher.combine(metric)
            hasher.combine(window)
        }
    }

    static func write(
        _ finding: Finding, to json: inout JSONWriter, party: (Party) throws -> Int64, input: (Input) throws -> Int64
    ) rethrows {
        try json.array { json in
            try json.array { json in
                for item in finding.culprits {
                    let id = try party(Party(comm: item.comm, cgroup: item.cgroup, measure: item.measure))
                    json.process(item.process, id, item.share)
                }
            }
            try json.array { json in
                for item in finding.victims {
                    let id = try party(Party(comm: item.comm, cgroup: item.cgroup, measure: item.stall))
                    json.process(item.process, id, item.stallMillisecondsPerSecond)
                }
            }
            try json.array { json in
                for item in finding.evidence {
                    let id = try input(
                        Input(
                            metric: item.metric, unit: item.unit, window: rounded(item.window, toDigits: 3),
                            threshold: item.threshold.map { rounded($0, toDigits: 4) }))
                    json.input(item, id)
                }
            }
        }
    }

    /// Whose name a text of the finding is: that of the first culprit (0) or of the first victim (1).
    static func reference(_ text: String, in finding: Finding) -> StringArray.Reference? {
        if let culprit = finding.culprits.first,
            let others = ProcessName.others(in: text, comm: culprit.comm, pid: culprit.process.pid)
        {
            return (0, others)
        }
        if let victim = finding.victims.first,
            let others = ProcessName.others(in: text, comm: victim.comm, pid: victim.process.pid)
        {
            return (1, others)
        }
        return nil
    }

    /// Those it names: the culprits and the first victim. They come first, and nothing behind them is looked at.
    static func people(
        _ bytes: UnsafeRawBufferPointer, party: (Int64) throws -> Party
    ) rethrows -> (culprits: [Culprit], victim: Victim?) {
        var numbers = NestedNumbers(bytes)
        guard numbers.open() else { return ([], nil) }
        let culprits = try numbers.list { try culprit(&$0, party) }
        guard numbers.open(), numbers.open() else { return (culprits, nil) }
        return (culprits, try victim(&numbers, party))
    }

    /// Everything. What cannot be read ends its list.
    static func read(
        _ bytes: UnsafeRawBufferPointer, party: (Int64) throws -> Party, input: (Int64) throws -> Input
    ) rethrows -> (culprits: [Culprit], victims: [Victim], evidence: [Evidence]) {
        var numbers = NestedNumbers(bytes)
        guard numbers.open() else { return ([], [], []) }
        let culprits = try numbers.list { try culprit(&$0, party) }
        let victims = try numbers.list { try victim(&$0, party) }
        let evidence = try numbers.list { item in
            let input = try input(item.int)
            var evidence = Evidence(
                metric: input.metric, value: item.next ?? .nan, unit: input.unit, threshold: input.threshold,
                window: input.window)
            if let median = item.next, let p95 = item.next {
                evidence.baseline = Evidence.Usual(
                    median: median, p95: p95, hour: item.next.flatMap { Int(exactly: $0) })
            }
            return evidence
        }
        return (culprits, victims, evidence)
    }

    private static func culprit(_ item: inout NestedNumbers, _ party: (Int64) throws -> Party) rethrows -> Culprit {
        let (process, party) = (item.identity, try party(item.int))
        return Culprit(
            process: process, comm: party.comm, cgroup: party.cgroup, share: item.next ?? .nan, measure: party.measure)
    }

    private static func victim(_ item: inout NestedNumbers, _ party: (Int64) throws -> Party) rethrows -> Victim {
        let (process, party) = (item.identity, try party(item.int))
        return Victim(
            process: process, comm: party.comm, cgroup: party.cgroup, stallMillisecondsPerSecond: item.next ?? .nan,
            stall: party.measure)
    }
}

extension JSONWriter {
    fileprivate mutating func process(_ process: ProcessIdentity, _ party: Int64, _ number: Double) {
        array {
            $0.element(process.pid)
            $0.element(process.startTicks)
            $0.element(party)
            $0.element(number, significantDigits: 4)
        }
    }

    fileprivate mutating func input(_ input: Evidence, _ id: Int64) {
        array {
            $0.element(id)
            $0.element(input.value, significantDigits: 4)
            guard let usual = input.baseline else { return }
            $0.element(usual.median, significantDigits: 4)
            $0.element(usual.p95, significantDigits: 4)
            if let hour = usual.hour { $0.element(hour) }
        }
    }
}

private func rounded(_ value: Double, toDigits digits: Double) -> Double {
    // Most are, and the powers below cost more than all else about an input.
    if value == value.rounded(), abs(value) < 1000 { return value }
    guard value.isFinite else { return 0 }
    // Division by a power of ten is exact in decimal where multiplication by its inverse is not: 0.84, not 0.8400000000000001.
    let exponent = digits - 1 - floor(log10(abs(value)))
    let scale = pow(10, abs(exponent))
    let rounded = exponent < 0 ? (value / scale).rounded() * scale : (value * scale).rounded() / scale
    return rounded.isFinite ? rounded : value
}

private let powersOfTen: [Double] = (0..<16).map { (0..<$0).reduce(1) { power, _ in power * 10 } }

/// Walks over JSON arrays of numbers, without spaces, as the writer wrote them.
private struct NestedNumbers {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Steps into an array; false where there is none.
    mutating func open() -> Bool {
        if byte == UInt8(ascii: ",") { index += 1 }
        guard byte == UInt8(ascii: "[") else { return false }
        index += 1
        return true
    }

    /// The elements of an array of arrays.
    mutating func list<Item>(_ body: (inout NestedNumbers) throws -> Item) rethrows -> [Item] {
        guard open() else { return [] }
        var items: [Item] = []
        while open() {
            items.append(try body(&self))
            close()
        }
        close()
        return items
    }

    /// The next number of the array; `nil` for `null` and at the end.
    var next: Double? {
        mutating get {
            if byte == UInt8(ascii: ",") { index += 1 }
            let start = index
            var digits: UInt64 = 0
            var point: Int?
            while let byte, index - start < 16 {
                if byte == UInt8(ascii: "."), point == nil {
                    point = index
                } else if byte &- 48 < 10 {
                    digits = digits * 10 + UInt64(byte - 48)
                } else {
                    break
                }
                index += 1
            }
            guard let end = byte, end != UInt8(ascii: ","), end != UInt8(ascii: "]") else {
                guard index > start else { return nil }
                // Both are exact, so that the quotient is the nearest number to what stands there.
                return point.map { Double(digits) / powersOfTen[index - $0 - 1] } ?? Double(digits)
            }
            while let byte, byte != UInt8(ascii: ","), byte != UInt8(ascii: "]") { index += 1 }
            return Double(String(decoding: bytes[start..<index], as: UTF8.self))
        }
    }

    var int: Int64 { mutating get { Int64(exactly: next ?? 0) ?? 0 } }

    var identity: ProcessIdentity {
        mutating get {
            let pid = Int32(truncatingIfNeeded: int)
            return ProcessIdentity(pid: pid, startTicks: UInt64(truncatingIfNeeded: int))
        }
    }

    /// Steps behind the end of the array.
    private mutating func close() {
        while let byte, byte != UInt8(ascii: "]") { index += 1 }
        index += 1
    }

    private var byte: UInt8? { index < bytes.count ? bytes[index] : nil }
}
