extension Catalogue {
    static let workingSet = Part.workload("pages", "@dir/victim.dat", 300, inGroup: true)

    static let memory: [Scenario] = [
        Scenario(
            name: "memory-squeeze", about: "A neighbour in the same cgroup takes a working set's memory away.",
            props: [.memoryGroup(megabytes: 512)], victim: workingSet,
            fault: [.stress("--vm 2 --vm-bytes 460m --vm-keep --timeout 60", inGroup: true)],
            expected: [
                Expected(.memoryPressure, blame: .on("stress-ng")), Expected(.pageFault, blame: .on("stress-ng")),
            ], opensWithin: 5, tolerated: [.ioCongestion, .blockDeviceSaturation, .syscall, .loadMismatch, .scheduler]),
        Scenario(
            name: "memory-squeeze-and-slow-disk",
            about: "The same on a disk so slow that the kernel counts hardly any of it as a stall on memory.",
            props: [.memoryGroup(megabytes: 512), .slowReads(bytesPerSecond: 100_000_000)], victim: workingSet,
            fault: [.stress("--vm 2 --vm-bytes 400m --vm-keep --timeout 60", inGroup: true)],
            expected: [
                Expected(.memoryPressure, blame: .on("stress-ng")), Expected(.pageFault, blame: .on("stress-ng")),
            ], tolerated: [.ioCongestion, .blockDeviceSaturation, .syscall, .loadMismatch, .scheduler]),
        Scenario(
            name: "memory-ramp", about: "Memory that is taken slowly, until it is too much.",
            props: [.memoryGroup(megabytes: 512)], victim: workingSet,
            fault: [.workload("grow", 40, 420, inGroup: true)], seconds: 24,
            expected: [Expected(.memoryPressure, blame: .on("grow"))],
            tolerated: [.pageFault, .ioCongestion, .blockDeviceSaturation, .syscall]),
        Scenario(
            name: "swap-storm", about: "Two working sets that fit into memory only by turns.",
            props: [.memoryGroup(megabytes: 256), .zramSwap(megabytes: 1024)],
            victim: .workload("pages", "@dir/victim.dat", 100, inGroup: true),
            fault: [.stress("--vm 2 --vm-bytes 500m --vm-method rand-set --timeout 60", inGroup: true)], seconds: 18,
            expected: [Expected(.swapThrashing, blame: .on("stress-ng"))],
            tolerated: [
                .memoryPressure, .pageFault, .ioCongestion, .blockDeviceSaturation, .syscall, .loadMismatch, .scheduler,
            ]),
        Scenario(
            name: "oom-kill", about: "A cgroup's limit is met at once and the kernel kills.",
            props: [.memoryGroup(megabytes: 256)],
            victim: .workload("pages", "@dir/victim.dat", 150, inGroup: true),
            fault: [Part.workload("grow", 400, 1000, inGroup: true).mortal], seconds: 12,
            expected: [Expected(.memoryPressure, .high, blame: .on("grow"))], hurtsVictim: false,
            tolerated: [.pageFault, .ioCongestion, .blockDeviceSaturation, .syscall]),
        // Together 70 MB more than there is room for: a page that was taken is missed before as many others were as the list of
        // active pages is long, so the kernel counts it as one that had been in use, and soon takes the victim's instead. With a
        // larger file it took the reader's own for as long as chance would have it.
        Scenario(
            name: "cache-thrash", about: "A program that reads a file again and again pushes a neighbour's pages out.",
            props: [.memoryGroup(megabytes: 400)], victim: .workload("pages", "@dir/victim.dat", 250, inGroup: true),
            fault: [.workload("scan", "@dir/big", 220, inGroup: true)], seconds: 20,
            expected: [Expected(.pageFault, blame: .on("scan"))],
            tolerated: [.memoryPressure, .ioCongestion, .blockDeviceSaturation, .syscall]),
    ]
}
