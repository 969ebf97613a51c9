import Glibc

/// What a terminal shows. Names of processes are anybody's text: control characters would move the cursor or paint.
struct Terminal {
    /// Colours are for terminals, and for who has not said no: https://no-color.org.
    let hasColours: Bool

    init(hasColours: Bool = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil) { self.hasColours = hasColours }

    enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case bold = "1"
    }

    func paint(_ text: String, _ colour: Colour) -> String {
        hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    func severity(_ name: String) -> String {
        switch name {
        case "critical", "high": paint(name, .red)
        case "medium": paint(name, .yellow)
        default: name
        }
    }

    /// Columns of the width of their longest cell; numbers to the right. Colours come in after.
    static func table(_ rows: [[String]], right: Set<Int> = [], limit: Int = 60) -> [String] {
        let rows = rows.map { $0.map { plain($0, limit: limit) } }
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                if right.contains(column) { return space + cell }
                return column == row.count - 1 ? cell : cell + space
            }.joined(separator: "  ")
        }
    }

    /// Printable, on one line, and not longer than `limit`.
    static func plain(_ text: String, limit: Int = .max) -> String {
        let printable = String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
        return printable.count <= limit ? printable : printable.prefix(limit - 1) + "…"
    }

    /// `3 min 12 s`.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds.isFinite ? min(seconds, 1e10) : 0))
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }

    /// `1.5 MB`.
    static func bytes(_ count: Double?) -> String {
        guard var size = count else { return "-" }
        for unit in ["B", "kB", "MB", "GB"] {
            if size < 1000 { return "\(short(size)) \(unit)" }
            size /= 1000
        }
        return "\(short(size)) TB"
    }

    static func short(_ value: Double?) -> String {
        guard let value, value.isFinite, abs(value) < 1e15 else { return "-" }
        let scale: Double = abs(value) >= 100 ? 1 : abs(value) >= 10 ? 10 : 100
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
    }
}
