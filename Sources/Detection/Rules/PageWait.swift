import Model

/// A way to know how long a process waits for its pages, and how to say so. {0} is the process, {1} milliseconds per second, {2} major
/// faults a second, {3} milliseconds of each.
struct PageWait {
    var label: String
    /// Under which it is learned what is usual.
    var metric: String
    /// What a victim suffers.
    var stall: String
    var lead: String
    /// Goes on from the lead where major faults are counted.
    var faults: String
    /// What the sentence then calls the pages.
    var pages: String
    /// Where nobody is to blame.
    var hint: String
    /// In the tick; `nil` where that is not measured.
    var nanoseconds: @Sendable (ProcessActivity) -> UInt64?
    /// Per second; `nil` where they are not counted.
    var majorFaults: @Sendable (ProcessActivity, Situation) -> Double?
}

extension PageWait {
    /// By the latency of its faults.
    init(timedBy reading: PageFaultReading) {
        var slow: [ProcessIdentity: UInt64] = [:]
        for event in reading.events where !event.major && event.latencyNanoseconds >= PageFaultRule.slowFault {
            slow[event.task.process, default: 0] += event.latencyNanoseconds
        }
        self.init(
            label: PageFaultRule.label, metric: "process.fault_stall", stall: "page-fault latency",
            lead: "{0} waits {1} ms of each second for its pages", faults: ": {2} major faults of {3} ms each",
            pages: "them", hint: "Nobody else takes much memory or I/O: check the speed of the device under {0}",
            nanoseconds: { [slow] process in
                process.faults.map { $0.majorLatencyNanoseconds &+ (slow[process.identity] ?? 0) }
            },
            majorFaults: { $1.perSecond($0.faults?.major ?? 0) })
    }

    /// By what the kernel counts as a stall on memory, which leaves out pages that are read for the first time.
    static let memoryStall = PageWait(
        label: PageFaultRule.stallLabel, metric: "process.memory_stall", stall: "waiting for memory",
        lead: "{0} stalls on memory for {1} ms of each second", faults: ", with {2} major faults", pages: "its pages",
        hint: "Nobody else takes much memory: check the limit of its control group",
        nanoseconds: { $0.scheduling?.memoryStallNanoseconds },
        majorFaults: { process, _ in process.proc?.majorFaultsPerSecond })
}
