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
