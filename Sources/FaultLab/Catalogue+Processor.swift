extension Catalogue {
    private static let periodic = Part.workload("periodic", 10, 2000)

    static let processor: [Scenario] = [
        Scenario(
            name: "cpu-hog", about: "Four busy tasks a core starve one that wakes every 10 ms.", victim: periodic,
            fault: [.stress("--cpu 8 --timeout 60")],
            expected: [
                Expected(.loadMismatch, blame: .on("stress-ng")), Expected(.scheduler, blame: .on("stress-ng")),
            ], opensWithin: 5, tolerated: [.syscall]),
        Scenario(
            name: "cpu-hog-and-bystander", about: "Beside the hog an innocent program uses a third of a core.",
            victim: periodic,
            bystanders: [.shell("while :; do timeout 0.03 sh -c 'while :; do :; done'; sleep 0.06; done")],
            fault: [.stress("--cpu 8 --timeout 60")],
            expected: [
                Expected(.loadMismatch, blame: .on("stress-ng")), Expected(.scheduler, blame: .on("stress-ng")),
            ], tolerated: [.syscall]),
        Scenario(
            name: "cpu-comes-and-goes", about: "A hog of four seconds every seven is one episode.", victim: periodic,
            fault: [Part.stress("--cpu 8 --timeout 60").pulsing(on: 4, off: 3)], seconds: 24,
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"), most: 1)], tolerated: [.scheduler, .syscall]),
        Scenario(
            name: "many-commands", about: "Eight busy commands of one program, each in a process group of its own.",
            victim: periodic,
            fault: [
                .shell(
                    "set -m; for i in 1 2 3 4 5 6 7 8; do sh -c 'while :; do :; done' & p=\"$p $!\"; done; trap \"kill $p\" TERM; wait"
                )
            ],
            expected: [
                Expected(.loadMismatch, blame: .on("sh")), Expected(.scheduler, blame: .on("sh")),
            ], tolerated: [.syscall]),
        Scenario(
            name: "matrix-hog", about: "Computation that fills caches as well as cores.", victim: periodic,
            fault: [.stress("--matrix 6 --timeout 60")],
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))], tolerated: [.scheduler, .syscall]),
        Scenario(
            name: "switch-storm", about: "Pipes that hand a byte to and fro take the CPUs by switching.",
            victim: periodic, fault: [.stress("--switch 8 --timeout 60")],
            expected: [Expected(.scheduler, blame: .on("stress-ng"))], tolerated: [.loadMismatch, .syscall]),
        Scenario(
            name: "lock-fight", about: "Sixteen threads fight over one mutex and hold the cores meanwhile.",
            victim: periodic, fault: [.workload("fight", 16), .stress("--cpu 4 --timeout 60")],
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))], tolerated: [.scheduler, .syscall]),
        Scenario(
            name: "held-lock",
            about: "A program keeps the file locked that another one locks for a moment now and then.",
            victim: .workload("locker", "@dir/lock", 10), bystanders: [.shell("while :; do :; done")],
            fault: [.workload("keeper", "@dir/lock", 400)],
            expected: [Expected(.syscall, blame: .on("keeper"))]),
        Scenario(
            name: "fork-storm", about: "Processes that live for a millisecond take all there is.", victim: periodic,
            fault: [.stress("--fork 8 --timeout 60")],
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))],
            tolerated: [.scheduler, .syscall, .pageFault]),
        Scenario(
            name: "pinned-core", about: "A hog and its victim are pinned to the same core; the others are free.",
            victim: Part(
                "taskset", ["-c", "0", "@bin/faultlab-workload", "periodic", "10", "2000"], readyWhen: "ready"),
            fault: [Part("taskset", ["-c", "0", "stress-ng", "--cpu", "4", "--timeout", "60"])],
            expected: [Expected(.scheduler, blame: .on("stress-ng"))], tolerated: [.loadMismatch, .syscall]),
        Scenario(
            name: "two-cpu-hogs", about: "Two programs share the blame; the first named is one of them.",
            victim: periodic, fault: [.stress("--cpu 4 --timeout 60"), .stress("--matrix 4 --timeout 60")],
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))], tolerated: [.scheduler, .syscall]),
        Scenario(
            name: "cpu-ramp", about: "A busy task more every second.", victim: periodic,
            fault: [.shell("for i in 1 2 3 4 5 6 7 8; do stress-ng --cpu 1 --timeout 60 & sleep 1; done; wait")],
            seconds: 20,
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))], tolerated: [.scheduler, .syscall]),
    ]
}
