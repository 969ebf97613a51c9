/// Where the cgroup hierarchies are, version 1 and 2 side by side.
struct Groups: Sendable {
    /// The v2 hierarchy.
    var unified: String?
    /// The v1 hierarchies by controller.
    var controllers: [String: String] = [:]

    /// - Parameter mounts: `/proc/self/mounts`.
    init(mounts: String) {
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3 else { continue }
            let path = Self.unescaped(fields[1])
            if fields[2] == "cgroup2" { unified = unified ?? path }
            guard fields[2] == "cgroup" else { continue }
            for option in fields[3].split(separator: ",") {
                let name = String(option)
                if Self.known.contains(name), controllers[name] == nil { controllers[name] = path }
            }
        }
    }

    /// What the controller of block I/O is called where it is.
    var io: String { controllers["blkio"] == nil ? "io" : "blkio" }

    func isBelowVersion2Root(_ directory: String) -> Bool {
        unified.map { directory.hasPrefix($0 + "/") && !controllers.values.contains { directory.hasPrefix($0 + "/") } }
            ?? false
    }

    /// Where cgroups with a controller are; `nil` where it is in no hierarchy.
    func hierarchy(_ controller: String) -> Ground.Hierarchy? {
        if let mount = controllers[controller] { return Ground.Hierarchy(version: 1, mount: mount) }
        guard let unified, let all = TextFile.read(unified + "/cgroup.controllers"),
            all.split(separator: " ").contains(where: { $0 == controller })
        else { return nil }
        let delegated = (TextFile.read(unified + "/cgroup.subtree_control") ?? "").split(separator: " ").map(
            String.init)
        return Ground.Hierarchy(version: 2, mount: unified, delegated: Set(delegated))
    }

    private static let known: Set<String> = ["cpu", "cpuset", "memory", "blkio", "freezer", "pids"]

    /// Spaces and the like are written as `\040`.
    private static func unescaped(_ text: Substring) -> String {
        String(text).replacing("\\040", with: " ").replacing("\\011", with: "\t").replacing("\\134", with: "\\")
    }

    /// The directory of a process's cgroup, in the v1 hierarchy of the controller or in v2 where v1 does not have it; `nil`
    /// if the process is gone.
    func directory(of pid: Int32, _ controller: String) throws(HostError) -> String? {
        guard let text = TextFile.read("/proc/\(pid)/cgroup") else { return nil }
        let mount = controllers[controller] ?? unified
        guard let mount else { throw .noController(controller) }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isOurs =
                controllers[controller] == nil
                ? parts[0] == "0" : parts[1].split(separator: ",").contains { $0 == controller }
            if isOurs { return parts[2] == "/" ? mount : mount + parts[2] }
        }
        throw .noController(controller)
    }
}
