import Testing

@testable import Readers

struct ScannerTests {
    private func number(_ text: String) -> UInt64? {
        parse(text) { bytes in
            var scanner = Scanner(bytes)
            return scanner.number()
        }
    }

    private func decimal(_ text: String) -> Double? {
        parse(text) { bytes in
            var scanner = Scanner(bytes)
            return scanner.decimal()
        }
    }

    @Test func `a number that does not fit is no number`() {
        #expect(number("18446744073709551615") == UInt64.max)
        #expect(number("18446744073709551616") == nil)
        #expect(number("99999999999999999999999999") == nil)
    }

    @Test func `a number ends at its last digit`() {
        #expect(number(" 12/34") == 12)
        #expect(number("-1") == nil)
        #expect(number("") == nil)
    }

    @Test func `a fraction keeps its leading zeros`() {
        #expect(decimal("12.05") == 12.05)
        #expect(decimal("3") == 3)
        #expect(decimal("3.") == nil)
    }

    @Test func `lines end with a newline or with the file`() {
        let lines: [String]? = parse("a\n\nb") {
            var scanner = Scanner($0)
            var lines: [String] = []
            while let line = scanner.line() { lines.append(line.rest.text) }
            return lines
        }
        #expect(lines == ["a", "", "b"])
    }

    @Test(arguments: ["", "\n", "   ", "cpu", "cpu \n", "\0\0\0", "x: y", "1 2 3", "((((", "1 (", "Tcp:", "Tcp:\nTcp:"])
    func `no parser trusts its input`(_ text: String) {
        #expect(parse(text, CPUSample.init(parsing:)) == nil)
        #expect(parse(text, ProcessStat.init(parsing:)) == nil)
        #expect(parse(text, ProcessIO.init(parsing:)) == nil)
        #expect(parse(text, VMSample.init(parsing:)) == nil)
        #expect(parse(text, PressureSample.Stall.init(parsing:)) == nil)
        #expect(parse(text, SocketReader.timeWait(parsing:)) == nil)
        _ = parse(text, DiskSample.init(parsing:))
        _ = parse(text, InterfaceSample.init(parsing:))
        _ = parse(text, TCPSample.Basic.init(parsing:))
        _ = parse(text, CgroupPath.parse)
    }

    @Test func `a file that was cut anywhere does not crash a parser`() throws {
        let host = try FakeHost("large")
        let small = try FakeHost("small")
        for file in [
            try host.bytes("/proc/diskstats"), try host.bytes("/proc/net/snmp"), try small.bytes("/proc/stat"),
            try small.bytes("/proc/77/stat"), try small.bytes("/proc/net/dev"), try small.bytes("/proc/loadavg"),
        ] {
            for length in 0...file.count {
                file.prefix(length).withUnsafeBytes { bytes in
                    _ = CPUSample(parsing: bytes)
                    _ = ProcessStat(parsing: bytes)
                    _ = DiskSample(parsing: bytes)
                    _ = InterfaceSample(parsing: bytes)
                    _ = TCPSample.Basic(parsing: bytes)
                }
            }
        }
    }
}
