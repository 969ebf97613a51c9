import Glibc
import Model
import Readers

/// All processes that live, as /proc shows them at one time.
public struct ProcessTable: Sendable {
    private var lines: [Int32: ProcessStat] = [:]
    private let groups: Groups

    init(groups: Groups) {
        self.groups = groups
        for name in Directory.entries("/proc") {
            guard let pid = Int32(name), let line = ProcessStat(pid: pid), !line.isDead else { continue }
            lines[pid] = line
        }
    }

    /// `nil` if there is no such process.
    public static func identity(of pid: Int32) -> ProcessIdentity? {
        ProcessStat(pid: pid)?.identity
    }

    /// Whoever runs with a process: its process group and all that descend from it. A worker that leads a session of its own and
    /// has executed no program (fio's jobs, postgres' backends) belongs to its parent's group.
    ///
    /// Throws `gone` when the process has ended or its pid belongs to another one.
    public func party(of process: ProcessIdentity) throws(HostError) -> Party {
        guard let first = lines[process.pid], first.identity == process else { throw .gone(process) }
        guard !first.isKernelThread else { return Party(members: [member(process.pid, first)]) }
        let group = starter(of: process.pid, first).processGroup
        var found = Set(lines.filter { $0.value.processGroup == group && group > 1 }.keys)
        found.insert(process.pid)
        var children: [Int32: [Int32]] = [:]
        for (pid, line) in lines { children[line.parent, default: []].append(pid) }
        var next = Array(found)
        while let pid = next.popLast() {
            for child in children[pid] ?? [] where found.insert(child).inserted { next.append(child) }
        }
        return Party(members: found.sorted().compactMap { pid in lines[pid].map { member(pid, $0) } })
    }

    /// What there is to know of single processes; without those that have ended.
    public func members(_ processes: [ProcessIdentity]) -> [Party.Member] {
        processes.compactMap { process in
            guard let line = lines[process.pid], line.identity == process else { return nil }
            return member(process.pid, line)
        }
    }

    /// Who is in a process group, by the pid that it is named after.
    public func group(of leader: Int32) -> [Party.Member] {
        lines.filter { $0.value.processGroup == leader }.sorted { $0.key < $1.key }.map { member($0.key, $0.value) }
    }

    /// The name of somebody who is in the sessions of a party and not of it.
    func sessionMate(of party: Party) -> String? {
        let sessions = Set(
            party.members.filter { $0.autogroup != nil }.compactMap { lines[$0.process.pid]?.session })
        return lines.first { sessions.contains($0.value.session) && !party.contains(pid: $0.key) }?.value.comm
    }

    /// The cgroups of version 2 that a party is in, but the root, which everybody shares and which has no limits.
    func groups(of party: Party) -> [String: Target.Group] {
        let directories = Set(party.members.flatMap { [$0.cpuGroup, $0.ioGroup] }.compactMap(\.self))
        return directories.reduce(into: [:]) { found, directory in
            guard groups.isBelowVersion2Root(directory) else { return }
            func lines(_ file: String) -> [Substring] {
                TextFile.read("\(directory)/\(file)")?.split(separator: "\n") ?? []
            }
            // A file is missing where the controller is. What is not limited begins with `max`; io.max is empty then.
            let limits = ["cpu.max", "memory.max", "memory.high", "pids.max", "io.max"].filter { file in
                lines(file).contains { !$0.hasPrefix("max") }
            }
            let hasGroups = Directory.entries(directory).contains { name in
                !name.hasPrefix(".") && access("\(directory)/\(name)/cgroup.procs", F_OK) == 0
            }
            let hasOthers = lines("cgroup.procs").contains { Int32($0).map { !party.contains(pid: $0) } ?? true }
            found[directory] = Target.Group(
                isShared: hasGroups || hasOthers, limits: Set(limits),
                controllers: Set(lines("cgroup.controllers").flatMap { $0.split(separator: " ").map(String.init) }))
        }
    }

    /// The one whose group a worker belongs to, or itself.
    private func starter(of pid: Int32, _ line: ProcessStat) -> ProcessStat {
        guard line.session == pid, line.hasNotExecuted, line.parent > 1, let parent = lines[line.parent] else {
            return line
        }
        return parent
    }

    private func member(_ pid: Int32, _ line: ProcessStat) -> Party.Member {
        let threads = Directory.entries("/proc/\(pid)/task").compactMap { Int32($0) }.sorted()
        return Party.Member(
            process: line.identity, comm: line.comm, parent: line.parent,
            group: line.processGroup, autogroup: Autogroup(pid: pid)?.id, isKernelThread: line.isKernelThread,
            isStopped: line.state == "T", threads: threads, cpuGroup: try? groups.directory(of: pid, "cpu"),
            ioGroup: try? groups.directory(of: pid, groups.io))
    }
}
