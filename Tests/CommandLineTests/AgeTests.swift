import Testing

@testable import kernelsight

@Suite struct AgeTests {
    @Test(arguments: [("7d", 604_800), ("12h", 43_200), ("30m", 1800), ("45s", 45), ("3650d", 315_360_000)])
    func `an age has a number and a unit`(text: String, seconds: Int64) {
        #expect(Age(argument: text)?.seconds == seconds)
    }

    @Test(arguments: [
        "", "d", "7", "0d", "-7d", "+7d", "7 d", "7x", "7dd", "1.5h", "3651d", "99999999999999999999d", "٧d",
    ])
    func `anything else is refused`(text: String) { #expect(Age(argument: text) == nil) }
}
