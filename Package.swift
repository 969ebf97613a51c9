// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6 language mode comes with the tools version; a warning stops the build.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error), .unsafeFlags(["-Xfrontend", "-function-sections"], .when(configuration: .release)),
]

/// What a program does again and again lies together: pages of code are mapped sixteen at a time, and scattered over
/// 25 MB the same functions keep 2 MB more in memory. `deploy/order-functions` makes the list.
func hotFunctionsFirst(_ program: String) -> LinkerSetting {
    .unsafeFlags(
        [
            "-use-ld=lld", "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/deploy/\(program).order",
            "-Xlinker", "--no-warn-symbol-ordering",
        ], .when(configuration: .release))
}

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "kernelsight",
    products: [
        .executable(name: "kernelsight-collector", targets: ["kernelsight-collector"]),
        .executable(name: "kernelsight-api", targets: ["kernelsight-api"]),
        .executable(name: "kernelsight-agent", targets: ["kernelsight-agent"]),
        .executable(name: "kernelsight", targets: ["kernelsight"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C: what Swift cannot call by itself.
        .target(name: "CLibBPF", linkerSettings: [.linkedLibrary("bpf"), .linkedLibrary("elf"), .linkedLibrary("z")]),
        .target(name: "CFastCGI", linkerSettings: [.linkedLibrary("fcgi")]),
        .target(name: "CLinux"),
        .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),

        // Values and rules: no input, no output.
        .target(name: "Model", swiftSettings: strict),
        .target(name: "Forecast", dependencies: ["Model"], swiftSettings: strict),
        .target(name: "Detection", dependencies: ["Model", "Forecast"], swiftSettings: strict),

        // Edges.
        .target(name: "Settings", dependencies: ["Model", yams], swiftSettings: strict),
        .target(
            name: "Tracers", dependencies: ["Model", "CLibBPF"], swiftSettings: strict, plugins: ["CompileBPF"]),
        .target(name: "Readers", dependencies: ["Model", "CLinux"], swiftSettings: strict),
        .target(name: "Store", dependencies: ["Model", "CLinux", "CSQLite", grdb, sqlite], swiftSettings: strict),
        .target(
            name: "Agent", dependencies: ["Model", "Settings", "Forecast", "Readers", "Store", "CLinux", crypto],
            swiftSettings: strict),
        // What a running process is asked, and how.
        .target(name: "Control", dependencies: ["Model", "CLinux", lifecycle], swiftSettings: strict),
        .target(name: "FastCGI", dependencies: ["CFastCGI"], swiftSettings: strict),
        .target(
            name: "API", dependencies: ["Model", "Forecast", "Store", "Control", "FastCGI"], swiftSettings: strict),

        // Executables: parse, wire, run.
        .executableTarget(
            name: "kernelsight-collector",
            dependencies: [
                "Model", "Settings", "Tracers", "Readers", "Forecast", "Detection", "Store", "Control", "CLinux",
                arguments, logging, lifecycle, signals,
            ],
            swiftSettings: strict, linkerSettings: [hotFunctionsFirst("kernelsight-collector")]),
        .executableTarget(
            name: "kernelsight-api",
            dependencies: ["Model", "Settings", "Store", "FastCGI", "API", "CLinux", arguments, logging],
            swiftSettings: strict, linkerSettings: [hotFunctionsFirst("kernelsight-api")]),
        .executableTarget(
            name: "kernelsight-agent",
            dependencies: [
                "Model", "Settings", "Store", "Agent", "Control", "CLinux", arguments, logging, lifecycle, signals,
            ],
            swiftSettings: strict, linkerSettings: [hotFunctionsFirst("kernelsight-agent")]),
        .executableTarget(
            name: "kernelsight",
            dependencies: [
                "Model", "Settings", "Store", "FastCGI", "API", "Agent", "Control", "Benchmarks", "FaultLab", arguments,
            ],
            swiftSettings: strict),

        // The suite behind `kernelsight bench`, and the C programs that it measures against.
        .target(
            name: "Benchmarks", dependencies: ["Model", "Store", "Agent", "ChildProcess", "Chromium", sqlite],
            swiftSettings: strict),
        .target(name: "ChildProcess", dependencies: ["CLinux"], swiftSettings: strict),
        // A browser that looks at the dashboard, for tests and measurements.
        .target(name: "Chromium", dependencies: ["ChildProcess"], swiftSettings: strict),
        // Real faults with real victims, behind `kernelsight faultlab` and the tests.
        .target(
            name: "FaultLab", dependencies: ["Model", "Store", "Agent", "Control", "ChildProcess"],
            swiftSettings: strict),
        .executableTarget(name: "faultlab-workload", linkerSettings: [.linkedLibrary("pthread")]),
        .executableTarget(name: "bench-workload", linkerSettings: [.linkedLibrary("pthread")]),
        .executableTarget(name: "bench-fcgi-worker", linkerSettings: [.linkedLibrary("fcgi")]),

        // bpf/*.bpf.c becomes Swift byte arrays in the Tracers target.
        .executableTarget(name: "embed-bpf", swiftSettings: strict),
        .plugin(name: "CompileBPF", capability: .buildTool(), dependencies: ["embed-bpf"]),

        .testTarget(name: "ModelTests", dependencies: ["Model"], swiftSettings: strict),
        .testTarget(name: "ForecastTests", dependencies: ["Forecast", "Model"], swiftSettings: strict),
        .testTarget(name: "DetectionTests", dependencies: ["Detection", "Forecast", "Model"], swiftSettings: strict),
        .testTarget(name: "SettingsTests", dependencies: ["Settings", "Model"], swiftSettings: strict),
        .testTarget(name: "BenchmarksTests", dependencies: ["Benchmarks", "Model", "Store"], swiftSettings: strict),
        .testTarget(
            name: "CommandLineTests", dependencies: ["kernelsight", "Model", "Store", "Settings", "Control"],
            swiftSettings: strict),
        .testTarget(
            name: "CollectorTests", dependencies: ["kernelsight-collector", "Model", "Settings", "Store", logging],
            swiftSettings: strict),
        .testTarget(
            name: "TracersTests", dependencies: ["Tracers", "Model", "CLibBPF", "CLinux", "FaultLab"],
            swiftSettings: strict),
        .testTarget(
            name: "ReadersTests", dependencies: ["Readers", "Detection", "Model", "ChildProcess"],
            resources: [.copy("Trees")],
            swiftSettings: strict),
        .testTarget(
            name: "AgentTests", dependencies: ["Agent", "Model", "Store", "ChildProcess"], swiftSettings: strict),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "Model", "ChildProcess", grdb], swiftSettings: strict),
        .testTarget(
            name: "WorkerTests", dependencies: ["kernelsight-api", "Settings", "Store", logging],
            swiftSettings: strict),
        .testTarget(name: "FastCGITests", dependencies: ["FastCGI"], swiftSettings: strict),
        .testTarget(
            name: "APITests", dependencies: ["API", "Store", "Forecast", "Model", "FastCGI", grdb],
            swiftSettings: strict),
        .testTarget(
            name: "FaultLabTests", dependencies: ["ChildProcess", "FaultLab", "Store", "Model"], path: "Tests/FaultLab",
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests", dependencies: ["ChildProcess", "Chromium"], path: "Tests/EndToEnd",
            swiftSettings: strict),
    ]
)
