/// All scenarios, and the subset that is played with the tests.
public enum Catalogue {
    public static let faults = processor + storage + memory + network
    public static let all = faults + quiet

    /// Ten minutes' worth: each type once, and the quiet scenarios that come closest to a fault.
    public static var short: [Scenario] {
        let names: Set<String> = [
            "cpu-hog", "cpu-comes-and-goes", "disk-flood", "memory-squeeze", "memory-squeeze-and-slow-disk",
            "swap-storm", "retransmits",
            "listen-overflow", "idle", "idle-sockets", "page-cache", "steady-fsync",
        ]
        return all.filter { names.contains($0.name) }
    }

    public static func named(_ name: String) -> Scenario? { all.first { $0.name == name } }
}
