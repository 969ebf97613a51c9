extension Catalogue {
    /// What a host does all day: nothing above low may come up.
    static let quiet: [Scenario] = [
        Scenario(name: "idle", about: "Nothing happens.", fault: [], seconds: 20),
        Scenario(
            name: "copy", about: "cp of 4 GB.",
            fault: [.shell("head -c 4G /dev/zero >@dir/a && cp @dir/a @dir/b && sync && sleep 60")], seconds: 25),
        Scenario(
            name: "archive", about: "tar and gzip of /usr/share.",
            fault: [.shell("tar -c /usr/share 2>/dev/null | gzip >@dir/share.tgz; sleep 60")], seconds: 20),
        Scenario(
            name: "find", about: "find over the whole file system.",
            fault: [.shell("find / -xdev >/dev/null; sleep 60")], seconds: 15),
        Scenario(
            name: "idle-sockets", about: "Ten thousand connections that nobody uses, an epoll, sleeping threads.",
            fault: [.workload("idle", 18_710, 10_000), .workload("sleepers", 200)], seconds: 20),
        Scenario(
            name: "cron-burst", about: "Five hundred short processes, then a pause.", fault: [.workload("forks", 500)],
            seconds: 20),
        Scenario(
            name: "steady-fsync", about: "A database that makes fifty pages a second durable.",
            victim: .workload("durable", "@dir/db.dat", 20), fault: [], seconds: 20),
        Scenario(
            name: "page-cache", about: "Reading files until memory is full of them.",
            fault: [
                .shell("head -c 3G /dev/zero >@dir/big; for i in 1 2 3; do cat @dir/big >/dev/null; done; sleep 60")
            ],
            seconds: 25),
        Scenario(
            name: "log-rotation", about: "A log of 200 MB is compressed and removed.",
            fault: [
                .shell(
                    "for i in 1 2 3; do head -c 200M /dev/urandom >@dir/log; gzip -1 @dir/log; rm -f @dir/log.gz; sleep 2; done; sleep 60"
                )
            ], seconds: 20),
        Scenario(
            name: "short-connections", about: "Two thousand connections a second, opened and closed.",
            fault: [.workload("churn", 18_711)], seconds: 20),
        Scenario(
            name: "one-busy-core", about: "A computation on one of the cores.",
            fault: [.stress("--cpu 1 --timeout 60")],
            seconds: 20),
        Scenario(
            name: "busy-alone", about: "Every core is busy with work that hurts nobody.",
            fault: [.stress("--cpu 4 --timeout 60")], seconds: 20),
    ]
}
