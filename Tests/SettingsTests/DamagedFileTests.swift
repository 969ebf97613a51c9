import Testing

@testable import Settings

/// A generator that gives the same sequence every time (SplitMix64).
private struct Sequence64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite struct DamagedFileTests {
    private static let original = """
        # comment
        database: {path: "data/x.db"}
        tracers:
          enabled: [sched_tracer, syscall_tracer]
          sampling:
            syscall_tracer: 1000
        thresholds:
          memory_stall: [0.1, 0.2, 0.3, 0.4]
        hysteresis:
          open_after: 2
        """
    private static let pieces = [
        "&", "*", "&a", "*a", "[", "]", "{", "}", ":", ": ", "? ", "- ", "#", " #", "|\n", ">\n", "'", "\"",
        "%YAML 1.2\n",
        "@", "`", "!", "!!int ", "!<x> ", "\t", "\n", "\r", " ", "\0", "---\n", "...\n", "<<: ", "~", "\u{FEFF}",
        "\u{85}",
        "\u{2028}", "é", "🦊", "\\", "\\x", "0", "-", "e9", ",",
    ]

    /// Whatever is damaged, the answer is settings or errors with proper lines; nothing else, and no crash.
    @Test(arguments: 0..<8) func `a damaged file is read or refused, line by line`(seed: UInt64) {
        var random = Sequence64(state: seed)
        for _ in 0..<400 {
            var text = Array(Self.original)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0...text.count, using: &random)
                if Bool.random(using: &random) {
                    text.insert(contentsOf: Self.pieces.randomElement(using: &random) ?? "", at: at)
                } else {
                    text.removeSubrange(at..<min(text.count, at + Int.random(in: 1...4, using: &random)))
                }
            }
            let yaml = String(text)
            do {
                _ = try Settings.parse(yaml: yaml)
            } catch {
                let last = yaml.count { $0.isNewline } + 1
                #expect(!error.errors.isEmpty)
                for problem in error.errors {
                    #expect((1...last).contains(problem.line ?? 0), "\(problem) in \(yaml.debugDescription)")
                    #expect(!problem.description.contains { $0.isNewline }, "\(problem) in \(yaml.debugDescription)")
                }
            }
        }
    }
}
