import Model
import Testing

@Suite struct LedgerTests {
    @Test func `a flow that loses one run without a counter does not add up`() {
        var ledger = Ledger()
        ledger.seen = 10
        ledger.aggregated = 6
        ledger.filtered = 1
        ledger.lostStorage = 1
        ledger.lostStartMissing = 2
        #expect(ledger.runsAddUp)
        ledger.seen += 1
        #expect(!ledger.runsAddUp)
    }

    @Test func `as long as nobody has counted what is in flight, calls do not add up`() {
        var ledger = Ledger()
        (ledger.entered, ledger.exited, ledger.abandoned) = (10, 7, 1)
        #expect(!ledger.callsAddUp)
        ledger.inFlight = 2
        #expect(ledger.callsAddUp)
    }
}
