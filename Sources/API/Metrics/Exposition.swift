/// What Prometheus scrapes: its text format, or OpenMetrics 1.0 for who asks for that. They differ in how a counter is announced and in
/// the end.
struct Exposition {
    enum Format {
        case text
        case openMetrics

        /// OpenMetrics where the Accept header names it.
        init(accept: String?) { self = accept?.contains("application/openmetrics-text") == true ? .openMetrics : .text }

        var contentType: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    enum Kind: String {
        case gauge
        case counter
        case histogram
    }

    typealias Label = (name: String, value: String)

    private let format: Format
    private var text = ""

    init(_ format: Format) {
        self.format = format
        text.reserveCapacity(32_768)
    }

    /// Everything, ended as the format wants it.
    var bytes: [UInt8] { Array((format == .openMetrics ? text + "# EOF\n" : text).utf8) }

    /// One metric with all its samples; nothing where there is none.
    ///
    /// - Parameter name: Without `kernelsight_`, with its unit, and without `_total`.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ write: (inout Family) -> Void) {
        let announced = "kernelsight_\(name)"
        let sampled = kind == .counter ? announced + "_total" : announced
        var family = Family(name: sampled)
        write(&family)
        guard !family.text.isEmpty else { return }
        let title = format == .openMetrics ? announced : sampled
        text += "# HELP \(title) \(help)\n# TYPE \(title) \(kind.rawValue)\n"
        text += family.text
    }

    /// One metric with one sample; nothing where that is not known.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        family(name, kind, help) { if let value { $0.sample(value) } }
    }

    struct Family {
        fileprivate let name: String
        fileprivate var text = ""

        mutating func sample(_ value: Double, _ labels: Label...) { line("", labels, value) }

        mutating func sample(_ value: Double, labels: [Label]) { line("", labels, value) }

        /// - Parameters:
        ///   - octaves: Observations by power of two, the first from 1 ns on.
        ///   - sum: Seconds.
        mutating func histogram(octaves: [UInt64], sum: Double, labels: [Label]) {
            var seen: UInt64 = 0
            for (octave, count) in octaves.enumerated() {
                seen &+= count
                // From 1 µs to 17 s; what is below or above is in the first and in the last.
                guard (9...33).contains(octave) else { continue }
                line("_bucket", labels + [("le", "\(Double(UInt64(1) << UInt64(octave + 1)) / 1e9)")], Double(seen))
            }
            line("_bucket", labels + [("le", "+Inf")], Double(seen))
            line("_sum", labels, sum)
            line("_count", labels, Double(seen))
        }

        private mutating func line(_ suffix: String, _ labels: [Label], _ value: Double) {
            text += name
            text += suffix
            if !labels.isEmpty {
                text += "{"
                for (index, label) in labels.enumerated() {
                    if index > 0 { text += "," }
                    text += label.name
                    text += "=\""
                    text += Self.escaped(label.value)
                    text += "\""
                }
                text += "}"
            }
            text += " \(Self.number(value))\n"
        }

        private static func number(_ value: Double) -> String {
            guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
            return abs(value) < 1e15 && value == value.rounded() ? "\(Int64(value))" : "\(value)"
        }

        private static func escaped(_ value: String) -> String {
            guard value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C || $0 == 0x0A }) else { return value }
            var escaped = ""
            for scalar in value.unicodeScalars {
                switch scalar {
                case "\\": escaped += "\\\\"
                case "\"": escaped += "\\\""
                case "\n": escaped += "\\n"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
            return escaped
        }
    }
}
