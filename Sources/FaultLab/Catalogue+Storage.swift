extension Catalogue {
    private static let durable = Part.workload("durable", "@dir/victim.dat", 20)
    private static let flood = Part.stress(
        "--hdd 8 --hdd-bytes 1g --hdd-write-size 4m --hdd-opts direct,wr-seq --temp-path @dir --timeout 60")

    static let storage: [Scenario] = [
        Scenario(
            name: "disk-flood", about: "Direct writes of 4 MiB fill the device's queue before an fsync.",
            victim: durable, fault: [flood],
            expected: [
                Expected(.ioCongestion, blame: .on("stress-ng")),
                Expected(.blockDeviceSaturation, blame: .on("stress-ng")), Expected(.syscall, blame: .on("stress-ng")),
            ], opensWithin: 5),
        Scenario(
            name: "disk-readers", about: "Eight direct readers of 1 MiB blocks.", victim: durable,
            fault: [.fio("readers", "--rw=randread --bs=1m --size=256m --numjobs=8 --ioengine=libaio --iodepth=16")],
            seconds: 20,
            expected: [Expected(.blockDeviceSaturation, blame: .on("fio"))], tolerated: [.ioCongestion, .syscall]),
        Scenario(
            name: "slow-disk", about: "A disk of 1 MB a second that one writer uses up.",
            props: [.slowDisk(megabytes: 256, bytesPerSecond: 1_000_000)],
            victim: .workload("durable", "@disk/victim.dat", 20, inGroup: true),
            fault: [.fio("slow", in: "@disk", "--rw=write --bs=64k --size=64m", inGroup: true)],
            seconds: 16, expected: [Expected(.ioCongestion, blame: .on("fio"))],
            tolerated: [.syscall, .blockDeviceSaturation]),
        Scenario(
            name: "two-disks",
            about: "The disk under the slow one is busy too, for somebody who has nothing to do with it.",
            props: [.slowDisk(megabytes: 256, bytesPerSecond: 1_000_000)],
            victim: .workload("durable", "@disk/victim.dat", 20, inGroup: true),
            bystanders: [
                .shell(
                    "dd if=/dev/zero of=@dir/large bs=1M count=256 oflag=direct; while :; do dd if=@dir/large of=/dev/null bs=1M iflag=direct; done"
                )
            ],
            fault: [.fio("slow", in: "@disk", "--rw=write --bs=64k --size=64m", inGroup: true)],
            seconds: 16, expected: [Expected(.ioCongestion, blame: .on("fio"))],
            tolerated: [.syscall, .blockDeviceSaturation]),
        Scenario(
            name: "disk-and-cpu", about: "Two faults at once, each with its own culprit.", victim: durable,
            bystanders: [.workload("periodic", 10, 2000)],
            fault: [
                flood,
                .shell("for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait"),
            ], seconds: 16,
            expected: [
                Expected(.loadMismatch, blame: .on("sh")),
                Expected(.blockDeviceSaturation, blame: .on("stress-ng")),
            ], tolerated: [.scheduler, .syscall, .ioCongestion]),
        Scenario(
            name: "random-writers", about: "Random direct writes of 64 KiB at a depth of 256.", victim: durable,
            fault: [.fio("writers", "--rw=randwrite --bs=64k --size=256m --numjobs=4 --ioengine=libaio --iodepth=64")],
            seconds: 18,
            expected: [Expected(.blockDeviceSaturation, blame: .on("fio"))], tolerated: [.ioCongestion, .syscall]),
        Scenario(
            name: "buffered-flood", about: "Writes through the page cache, which kernel threads bring to the disk.",
            victim: durable,
            fault: [
                .shell(
                    "for i in 1 2 3 4; do (while :; do dd if=/dev/zero of=@dir/f$i bs=1M count=256 conv=fdatasync 2>/dev/null; done) & done; wait"
                )
            ], seconds: 18,
            expected: [Expected(.blockDeviceSaturation, blame: .on("dd"))],
            // Filling the page cache takes both cores as well.
            tolerated: [.ioCongestion, .syscall, .loadMismatch, .scheduler]),
    ]
}
