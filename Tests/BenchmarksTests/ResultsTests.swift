import Foundation
import Model
import Testing

@testable import Benchmarks

struct ResultsTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `what is written is read back, a figure that was lost included`() throws {
        let path = scratch.path("results.json")
        let written = Results([
            Figure("a ÷ b", .nan, "", bar: .atMost(0.5), rounds: [.nan, 1, .infinity], detail: "lost"),
            Figure("c", 12.5, "MiB", bar: .atLeast(3), rounds: [1, 2], detail: ""), Figure("d", 1, "", detail: "x"),
        ])
        try written.write(path: path)
        let read = try Results(path: path)
        #expect(read.machine == .own)
        #expect(read.taken == written.taken)
        #expect(read.figures.map(\.line) == written.figures.map(\.line))
        #expect(read.figures.map(\.rounds) == [[1], [1, 2], []])
        #expect(read.figures[0].value.isNaN)
    }

    @Test(arguments: ["", "{}", "[1]", #"{"version": 2, "taken": "", "machine": {}, "figures": []}"#])
    func `what is no result says so`(_ text: String) throws {
        let path = scratch.path("other.json")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: BenchmarkFailure.self) { try Results(path: path) }
        #expect(throws: BenchmarkFailure.self) { try Results(path: path + ".missing") }
    }

    @Test func `a report shows every figure, as text, and loads nothing`() {
        let html = Report.html(
            Results([
                Figure("<b>a & b</b>", 0.4, "", bar: .atMost(0.5), rounds: [0.3, 0.4, 0.5], detail: "\"quoted\""),
                Figure("once", .nan, "ms", bar: .atLeast(1), detail: ""), Figure("zero", 0, "", detail: ""),
            ]))
        #expect(
            Report.markdown(
                Results([Figure("a", 0.4, "ms", bar: .atMost(0.3), detail: "b"), Figure("c", 1, "", detail: "d")])
            ).hasSuffix("|---|---|---|---|\n| a | 0.4 ms | ≤ 0.3, **missed** | b |\n| c | 1  |  | d |\n"))
        #expect(html.contains("&lt;b&gt;a &amp; b&lt;/b&gt;") && !html.contains("<b>"))
        #expect(html.contains("1 of 2 bars met"))
        #expect(html.components(separatedBy: "<circle").count == 4)
        #expect(!html.contains("http") && !html.contains("<script") && !html.contains("nan"))
    }
}
