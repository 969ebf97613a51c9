import Foundation
import Model
import Testing

@Suite struct JSONWriterTests {
    @Test func `nested members are separated by commas where they must be`() {
        var json = JSONWriter()
        json.object {
            $0.member("a", 1)
            $0.array("b") {
                $0.element("x")
                $0.object { _ in }
                $0.object { $0.member("c", true) }
                $0.array { $0.element(2) }
            }
            $0.object("d") { $0.member("e", 1.5) }
            $0.member("f", json: "[1,2]")
            $0.member(named: "g:h", nil)
        }
        #expect(json.text == #"{"a":1,"b":["x",{},{"c":true},[2]],"d":{"e":1.5},"f":[1,2],"g:h":null}"#)
    }

    @Test(
        arguments: [
            (0.123_456, "0.1235"), (-3.5, "-3.5"), (9999.6, "10000"), (98_765_432.1, "98770000"), (0, "0"),
            (-0.00012345, "-0.0001235"),
            (1e-9, "0.000000001"), (123, "123"), (0.1, "0.1"), (1234.5, "1235"), (5e14, "500000000000000"),
            (.nan, "null"),
            (1, "1"), (0.99996, "1"), (2.05, "2.05"),
        ])
    func `a number keeps four significant digits`(_ value: Double, _ text: String) {
        var json = JSONWriter()
        json.array {
            $0.element(value, significantDigits: 4)
            $0.element(7)
        }
        #expect(json.text == "[\(text),7]")
    }

    @Test func `a writer that starts anew has nothing of before`() {
        var json = JSONWriter(capacity: 1)
        json.array { $0.element("before") }
        json.removeAll()
        json.array { $0.element(1) }
        #expect(json.text == "[1]")
        #expect(json.withBytes { Array($0) } == Array("[1]".utf8))
    }

    @Test func `whatever a process calls itself stays one JSON string`() throws {
        for name in ["a\"b", "\\", "new\nline", "\u{0}\u{1}\u{1F}", "</script>", "é✓💥", "\u{FFFD}", "\t\r"] {
            var json = JSONWriter()
            json.array { $0.element(name) }
            let back = try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String]
            #expect(back == [name])
        }
    }

    @Test func `numbers survive the way there and back`() throws {
        let values: [Double] = [0, -1, 0.1, 1e-9, 123_456_789.25, 1e300, -2.5e-300, 9_007_199_254_740_992]
        var json = JSONWriter()
        json.array { for value in values { $0.element(value) } }
        let back = try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [Double]
        #expect(back == values)
    }

    @Test func `a number with few decimals is as short as Swift writes it, and any other the same`() {
        for count in 0..<20_000 {
            let value = Double(count * 7919) / [1, 10, 100, 1000, 10_000, 3, 7_000_001][count % 7]
            var json = JSONWriter()
            json.array { $0.element(-value) }
            let text = value == value.rounded() ? "\(Int64(value))" : value.description
            #expect(json.text == "[\(value == 0 ? "" : "-")\(text)]")
        }
    }

    @Test func `what JSON cannot say is null`() {
        var json = JSONWriter()
        json.array {
            $0.element(Double.nan)
            $0.element(Double.infinity)
        }
        #expect(json.text == "[null,null]")
    }

    @Test func `the widest integers are written out`() {
        var json = JSONWriter()
        json.array {
            $0.element(Int64.min)
            $0.element(UInt64.max)
        }
        #expect(json.text == "[-9223372036854775808,18446744073709551615]")
    }

    @Test func `a writer that started too small grows`() {
        var json = JSONWriter(capacity: 0)
        json.object {
            $0.member("time", rfc3339: Timestamp(nanoseconds: 1_795_575_600_123_000_000))
            $0.array("texts") { for _ in 0..<500 { $0.element("\u{1}x") } }
        }
        let texts = Array(repeating: #""\u0001x""#, count: 500).joined(separator: ",")
        #expect(json.text == #"{"time":"2026-11-25T03:00:00.123Z","texts":[\#(texts)]}"#)
        #expect(json.text.utf8.elementsEqual(json.bytes))
    }
}
