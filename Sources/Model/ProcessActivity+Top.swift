extension Sequence {
    /// The `count` greatest elements, in no order, in one pass and without sorting the rest.
    public func greatest(_ count: Int, by measure: (Element) -> Double) -> [Element] {
        var kept: [(element: Element, value: Double)] = []
        for element in self {
            let value = measure(element)
            if kept.count < count {
                kept.append((element, value))
            } else if let least = kept.indices.min(by: { kept[$0].value < kept[$1].value }), kept[least].value < value {
                kept[least] = (element, value)
            }
        }
        return kept.map(\.element)
    }
}

extension ProcessActivity {
    /// Those that did most in the tick by any of the measures that people sort by: CPU time, waiting for a CPU, block
    /// I/O, page faults, resident memory. At most five times `count`, each once, and only those that did something.
    public static func top(_ count: Int, of processes: [ProcessActivity], interval: Double) -> [ProcessActivity] {
        let measures: [(ProcessActivity) -> Double] = [
            { $0.cpuNanoseconds(interval: interval) ?? 0 },
            { Double($0.scheduling?.waitNanoseconds ?? 0) },
            {
                Double(($0.blockIO?.readBytes ?? 0) + ($0.blockIO?.writeBytes ?? 0))
                    + ($0.proc?.readBytesPerSecond ?? 0) + ($0.proc?.writeBytesPerSecond ?? 0)
            },
            { Double(($0.faults?.major ?? 0) << 20 + ($0.faults?.minor ?? 0)) },
            { Double($0.proc?.residentBytes ?? 0) },
        ]
        var seen: Set<ProcessIdentity> = []
        return measures.flatMap { measure in
            processes.greatest(count, by: measure).filter { measure($0) > 0 && seen.insert($0.identity).inserted }
        }
    }
}
