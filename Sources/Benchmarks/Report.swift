import Model

/// Results for people: as a table in Markdown, or as one HTML page that needs nothing else, with each figure's rounds against its
/// bar.
public enum Report {
    public static func markdown(_ results: Results) -> String {
        let rows = results.figures.map { figure in
            let bar = figure.bar.map { "\($0.text), \($0.isMet(by: figure.value) ? "met" : "**missed**")" } ?? ""
            return "| \(figure.name) | \(short(figure.value)) \(figure.unit) | \(bar) | \(figure.detail) |"
        }
        return """
            \(results.taken), \(results.machine.processor), \(results.machine.cores) cores, Linux \(results.machine.kernel)

            | what | figure | bar | from |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))

            """
    }

    public static func html(_ results: Results) -> String {
        let machine = results.machine
        let rows = results.figures.map(row).joined(separator: "\n")
        let missed = results.figures.filter { $0.bar?.isMet(by: $0.value) == false }.count
        let judged = results.figures.filter { $0.bar != nil }.count
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>KernelSight benchmark</title>
            <meta name="viewport" content="width=device-width">
            <style>
            :root { color-scheme: light dark; --met: #1a7f37; --missed: #b42318; --line: #8886; }
            @media (prefers-color-scheme: dark) { :root { --met: #57c26f; --missed: #ff8a80; } }
            body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
            .table { overflow-x: auto; }
            table { border-collapse: collapse; width: 100%; }
            th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); }
            td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
            .met { color: var(--met); } .missed { color: var(--missed); font-weight: 600; }
            td small { opacity: .75; }
            svg { display: block; }
            svg .axis { stroke: currentColor; opacity: .3; } svg .bar { stroke: var(--missed); stroke-width: 2; }
            svg circle { fill: currentColor; fill-opacity: .45; } svg text { font-size: 10px; fill: currentColor; opacity: .75; }
            </style></head><body>
            <h1>KernelSight benchmark</h1>
            <p>\(escaped(results.taken)) · \(escaped(machine.processor)), \(machine.cores) cores,
            \(machine.memoryBytes / 1_000_000_000) GB · Linux \(escaped(machine.kernel))<br>
            \(judged - missed) of \(judged) bars met. A point is a round, the upright line is the bar.</p>
            <div class="table"><table>
            <thead><tr><th>what</th><th>figure</th><th>bar</th><th>rounds</th></tr></thead><tbody>
            \(rows)
            </tbody></table></div></body></html>

            """
    }

    private static func row(_ figure: Figure) -> String {
        let isMet = figure.bar?.isMet(by: figure.value)
        let verdict =
            isMet.map { "<span class=\"\($0 ? "met" : "missed")\">\($0 ? "met" : "missed")</span>" } ?? ""
        return """
            <tr><td>\(escaped(figure.name))<br><small>\(escaped(figure.detail))</small></td>
            <td class="number">\(short(figure.value)) \(escaped(figure.unit))</td>
            <td class="number">\(figure.bar?.text ?? "") \(verdict)</td><td>\(plot(figure))</td></tr>
            """
    }

    /// Rounds as points on one axis, from zero or the lowest to the highest of them and the bar.
    private static func plot(_ figure: Figure) -> String {
        let limit: Double? =
            switch figure.bar {
            case .atMost(let limit), .atLeast(let limit): limit
            case nil: nil
            }
        let points = figure.rounds.isEmpty ? [figure.value].filter(\.isFinite) : figure.rounds
        let all = points + (limit.map { [$0] } ?? [])
        guard !points.isEmpty, let highest = all.max(), highest > min(0, all.min() ?? 0) else { return "" }
        let lowest = min(0, all.min() ?? 0)
        func x(_ value: Double) -> String { short(8 + 224 * (value - lowest) / (highest - lowest)) }
        let circles = points.map { "<circle cx=\"\(x($0))\" cy=\"12\" r=\"4\"/>" }.joined()
        let bar = limit.map { "<line class=\"bar\" x1=\"\(x($0))\" x2=\"\(x($0))\" y1=\"2\" y2=\"22\"/>" } ?? ""
        return """
            <svg width="240" height="36" role="img" aria-label="\(escaped(figure.name)): \(points.count) rounds">\
            <line class="axis" x1="8" x2="232" y1="12" y2="12"/>\(bar)\(circles)\
            <text x="8" y="34">\(short(lowest))</text><text x="232" y="34" text-anchor="end">\(short(highest))</text></svg>
            """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;")
    }
}
