import Model
import Testing

@Suite struct BandsTests {
    let bands = Bands(1, 2, 4, 8)

    @Test func `a value has the highest severity whose threshold it reaches`() {
        #expect(bands.severity(of: 0.99) == nil)
        #expect(bands.severity(of: 1) == .low)
        #expect(bands.severity(of: 3.9) == .medium)
        #expect(bands.severity(of: 4) == .high)
        #expect(bands.severity(of: 100) == .critical)
    }

    @Test func `the score grows with the value and stays within 0 and 1`() {
        let scores = stride(from: 0.0, through: 10, by: 0.1).map(bands.score(of:))
        #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(scores.first == 0 && scores.last == 1)
        #expect(bands.score(of: 2) == 0.5)
    }
}
