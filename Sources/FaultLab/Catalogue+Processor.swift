extension Catalogue {
    private static let periodic = Part.workload("periodic", 10, 2000)

    static let processor: [Scenario] = [
        Scenario(
            name: "cpu-hog", about: "Four busy tasks a core starve one that wakes every 10 ms.", victim: periodic,
            fault: [.stress("--cpu 8 --timeout 60")],
            expected: [
                Expected(.loadMismatch, blame: .on("stress-ng")), Expected(.scheduler, blame: .on("stress-ng")),
            ], tolerated: [.syscall]),
        Scenario(
            name: "cpu-hog-and-bystander", about: "Beside the hog an innocent program uses a third of a core.",
            victim: periodic,
            bystanders: [.shell("while :; do timeout 0.03 sh -c 'while :; do :; done'; sleep 0.06; done")],
            fault: [.stress("--cpu 8 --timeout 60")],
            expected: [
                Expected(.loadMismatch, blame: .on("stress-ng")), Expected(.scheduler, blame: .on("stress-ng")),
            ], tolerated: [.syscall]),
        Scenario(
            name: "cpu-comes-and-goes", about: "A hog of three seconds every six is one episode.", victim: periodic,
            fault: [Part.stress("--cpu 8 --timeout 60").pulsing(on: 3, off: 3)], seconds: 24,
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))], tolerated: [.scheduler, .syscall]),
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
            name: "fork-storm", about: "Processes that live for a millisecond take all there is.", victim: periodic,
            fault: [.stress("--fork 8 --timeout 60")],
            expected: [Expected(.loadMismatch, blame: .on("stress-ng"))],
            tolerated: [.scheduler, .syscall, .pageFault]),
    ]
}
