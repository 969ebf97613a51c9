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

    @Test func `the median of all runs counts, and a run that was lost does not`() {
        let results = [3, 1, .nan, 2].reduce(Results([Figure("other", 7, "", detail: "")])) {
            $0.adding([Figure("f", $1, "ms", detail: "\($1)")])
        }
        #expect(results.figures.map(\.name) == ["other", "f"])
        #expect(results.figures[1].runs == [3, 1, 2])
        #expect(results.figures[1].value == 2)
        #expect(results.figures[1].detail == "2.0")
    }

    @Test(arguments: [
        ("", "is no result"), ("{}", "is no result"), ("[1]", "is no result"), (#"{"version": 1}"#, "is no result"),
        (#"{"version": 2, "machine": 7}"#, "has version 2"), (nil, "cannot be read"),
    ])
    func `what is no result says so`(_ text: String?, _ reason: String) throws {
        let path = scratch.path("other.json")
        try text?.write(toFile: path, atomically: true, encoding: .utf8)
        let failure = #expect(throws: BenchmarkFailure.self) { try Results(path: path) }
        #expect(failure?.description.contains(reason) == true)
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
