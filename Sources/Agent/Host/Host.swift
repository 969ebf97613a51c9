import CLinux
import Glibc
import Model
import Readers

/// Reads settings and changes them.
///
/// A process is looked at before and after each change of it, so that whoever has got its pid meanwhile is noticed and is
/// given back what it had.
public struct Host: Sendable {
    let groups: Groups

    public init() { groups = Groups(mounts: TextFile.read("/proc/self/mounts") ?? "") }

    /// Who lives now.
    public func processes() -> ProcessTable { ProcessTable(groups: groups) }

    /// Whoever runs with a process, as `ProcessTable` finds them now.
    public func party(of process: ProcessIdentity) throws(HostError) -> Party { try processes().party(of: process) }

    /// What a setting is now.
    public func value(of setting: Setting) throws(HostError) -> String {
        try check(setting)
        let value = try read(setting)
        try check(setting)
        return value
    }

    /// Makes a change and reads it back.
    public func make(_ change: Change) throws(HostError) {
        let setting = change.setting
        try check(setting)
        try write(setting, change.after)
        do throws(HostError) {
            try check(setting)
            let found = try read(setting)
            guard found == change.after else { throw HostError.notKept(setting, wanted: change.after, found: found) }
        } catch {
            try? write(setting, change.before)
            throw error
        }
    }

    /// Sets back what a change made, and reads it back. What is not kept stays as the kernel made it of that: nearer to what it was
    /// than the change's value. CPUs that have gone offline meanwhile cannot be had again.
    public func takeBack(_ change: Change) throws(HostError) {
        let setting = change.setting
        try check(setting)
        try write(setting, change.before)
        try check(setting)
        let found = try read(setting)
        if found == change.before { return }
        if case .affinity = setting, let wanted = CPUSet(change.before), let left = CPUSet(found),
            left.isPart(of: wanted)
        {
            return
        }
        throw .notKept(setting, wanted: change.before, found: found)
    }

    /// Throws unless the thread or process that a setting is about is still there.
    private func check(_ setting: Setting) throws(HostError) {
        if let process = setting.holder { try check(process) }
        // What is a thread of the process cannot be one of another.
        if let thread = setting.thread, access("/proc/\(thread.process.pid)/task/\(thread.tid)", F_OK) != 0 {
            throw .gone(thread.process)
        }
    }

    /// Throws unless the pid still belongs to the process.
    func check(_ process: ProcessIdentity) throws(HostError) {
        guard let stat = ProcessStat(pid: process.pid), stat.identity == process, !stat.isDead else {
            throw .gone(process)
        }
    }

    private func read(_ setting: Setting) throws(HostError) -> String {
        switch setting {
        case .nice(let thread):
            var nice: Int32 = 0
            _ = try succeed(setting, clinux_get_nice(thread.tid, &nice))
            return String(nice)
        case .ioPriority(let thread):
            return IOPriority(rawValue: try succeed(setting, clinux_get_io_priority(thread.tid))).description
        case .affinity(let thread):
            var set = CPUSet()
            _ = try succeed(setting, set.withMask { clinux_get_affinity(thread.tid, $0, $1) })
            return set.description
        case .autogroup(let process, let id):
            guard let member = Autogroup.member(of: id, first: process.pid) else { throw .gone(process) }
            return String(member.autogroup.nice)
        case .stopped(let process):
            return ProcessStat.isStopped(pid: process.pid) ? "yes" : "no"
        case .file(let path):
            return try content(setting, path)
        case .ioLimit(let path, let disk, let key):
            return IOLimit.value(in: try content(setting, path), disk: disk, key: key)
        case .group(let path):
            return access(path, F_OK) == 0 ? "yes" : "no"
        case .membership(let process, let controller):
            guard let path = try groups.directory(of: process.pid, controller) else { throw .gone(process) }
            return path
        }
    }

    private func write(_ setting: Setting, _ value: String) throws(HostError) {
        switch setting {
        case .nice(let thread):
            _ = try succeed(setting, clinux_set_nice(thread.tid, try number(setting, value)))
        case .ioPriority(let thread):
            guard let priority = IOPriority(value) else { throw .invalid(setting, value: value) }
            _ = try succeed(setting, clinux_set_io_priority(thread.tid, priority.rawValue))
        case .affinity(let thread):
            guard var set = CPUSet(value) else { throw .invalid(setting, value: value) }
            _ = try succeed(setting, set.withMask { clinux_set_affinity(thread.tid, $0, $1) })
        case .autogroup(let process, let id):
            guard let member = Autogroup.member(of: id, first: process.pid) else { throw .gone(process) }
            try putAutogroup(setting, value, into: "/proc/\(member.pid)/autogroup")
        case .stopped(let process):
            try signal(setting, process, value == "yes" ? SIGSTOP : SIGCONT)
        case .file(let path):
            try put(setting, value, into: path)
        case .ioLimit(let path, let disk, let key):
            try put(setting, IOLimit.line(value, disk: disk, key: key), into: path)
        case .group(let path):
            let result = value == "yes" ? mkdir(path, 0o755) : rmdir(path)
            if result != 0, errno != (value == "yes" ? EEXIST : ENOENT) { throw .refused(setting, errno: errno) }
        case .membership(let process, _):
            try put(setting, String(process.pid), into: value + "/cgroup.procs")
        }
    }

    /// Through a descriptor, so that a process that gets the pid after the check is not meant.
    func signal(_ setting: Setting, _ process: ProcessIdentity, _ number: Int32) throws(HostError) {
        let descriptor = try succeed(setting, clinux_open_process(process.pid))
        defer { close(descriptor) }
        try check(process)
        _ = try succeed(setting, clinux_signal_process(descriptor, number))
        guard number == SIGSTOP || number == SIGCONT else { return }
        // Stopping takes until each thread has come out of the kernel.
        let wanted = number == SIGSTOP
        for _ in 0..<200 where ProcessStat.isStopped(pid: process.pid) != wanted { usleep(1000) }
    }

    private func number(_ setting: Setting, _ value: String) throws(HostError) -> Int32 {
        guard let number = Int32(value) else { throw .invalid(setting, value: value) }
        return number
    }

    private func succeed(_ setting: Setting, _ result: Int32) throws(HostError) -> Int32 {
        guard result >= 0 else { throw failure(setting, -result) }
        return result
    }

    private func content(_ setting: Setting, _ path: String) throws(HostError) -> String {
        guard let text = TextFile.read(path) else { throw failure(setting, errno) }
        return text
    }

    func put(_ setting: Setting, _ value: String, into path: String) throws(HostError) {
        let code = TextFile.write(path, value)
        guard code == 0 else { throw failure(setting, code) }
    }

    /// Without CAP_SYS_ADMIN the kernel takes one value in 100 ms, for all autogroups together.
    private func putAutogroup(_ setting: Setting, _ value: String, into path: String) throws(HostError) {
        for _ in 0..<20 {
            do { return try put(setting, value, into: path) } catch HostError.refused(_, EAGAIN) { usleep(20_000) }
        }
        try put(setting, value, into: path)
    }

    private func failure(_ setting: Setting, _ code: Int32) -> HostError {
        // A process may end between the look at it and the change.
        if code == ESRCH, let process = setting.process { return .gone(process) }
        return .refused(setting, errno: code)
    }
}
