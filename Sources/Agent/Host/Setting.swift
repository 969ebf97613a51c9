import Model

/// Something on the host that has a value, can be read and can be set back. What can be undone is a change of settings.
public enum Setting: Sendable, Hashable, Codable {
    /// Nice value of a thread: `-20` to `19`.
    case nice(ThreadIdentity)
    /// I/O priority of a thread: `none`, `idle`, `best-effort 0` to `7`, `realtime 0` to `7`.
    case ioPriority(ThreadIdentity)
    /// The CPUs that a thread may run on: `0-3,8`.
    case affinity(ThreadIdentity)
    /// Nice value of the autogroup that a process is in: it weighs sessions against each other, where `nice` weighs only
    /// within one.
    ///
    /// By its number: whoever it was set through may end, or leave it for a session of its own.
    case autogroup(ProcessIdentity, id: Int)
    /// Whether a process is stopped: `yes` or `no`.
    case stopped(ProcessIdentity)
    /// A file of /proc/sys, or an attribute of a cgroup, by its path.
    case file(String)
    /// Bytes per second that a cgroup may read or write of a disk (`major:minor`), or `none`. `key` is empty where the file
    /// holds one number per disk (blkio.throttle), else the name of the number (`rbps` of io.max).
    case ioLimit(String, disk: String, key: String)
    /// Whether a cgroup is there, by its path: `yes` or `no`. Only an empty one can go.
    case group(String)
    /// The cgroup that a process is in, by the path of its directory, in the hierarchy of a controller.
    case membership(ProcessIdentity, controller: String)
}

/// A thread of one process and no other.
public struct ThreadIdentity: Sendable, Hashable, Codable, CustomStringConvertible {
    public var process: ProcessIdentity
    public var tid: Int32

    public init(process: ProcessIdentity, tid: Int32) {
        self.process = process
        self.tid = tid
    }

    public var description: String { tid == process.pid ? "\(process)" : "\(process)/\(tid)" }
}

/// A setting, what it was and what it becomes. The change that takes it back has them the other way round.
public struct Change: Sendable, Hashable, Codable {
    public var setting: Setting
    public var before: String
    public var after: String

    public init(_ setting: Setting, from before: String, to after: String) {
        self.setting = setting
        self.before = before
        self.after = after
    }

    public var inverse: Change { Change(setting, from: after, to: before) }
}

extension Setting {
    /// The process that a setting is about which stands as JSON in agent.db.
    public static func describedProcess(_ json: String) -> ProcessIdentity? {
        (try? JSON.value(json, as: Setting.self))?.process
    }
}

extension Setting: CustomStringConvertible {
    public var description: String {
        switch self {
        case .nice(let thread): "nice value of \(thread)"
        case .ioPriority(let thread): "I/O priority of \(thread)"
        case .affinity(let thread): "CPUs of \(thread)"
        case .autogroup(let process, let id): "autogroup \(id) of \(process)"
        case .stopped(let process): "whether \(process) is stopped"
        case .file(let path): path
        case .ioLimit(let path, let disk, let key): "\(path) \(disk)\(key.isEmpty ? "" : " ")\(key)"
        case .group(let path): "cgroup \(path)"
        case .membership(let process, let controller): "\(controller) cgroup of \(process)"
        }
    }

    /// The thread that it is about; `nil` where it is about a process or none.
    var thread: ThreadIdentity? {
        switch self {
        case .nice(let thread), .ioPriority(let thread), .affinity(let thread): thread
        default: nil
        }
    }

    /// The process that has to live for it: an autogroup is there as long as anybody is in it.
    var holder: ProcessIdentity? {
        if case .autogroup = self { return nil }
        return process
    }

    /// The process that it is about.
    public var process: ProcessIdentity? {
        switch self {
        case .nice(let thread), .ioPriority(let thread), .affinity(let thread): thread.process
        case .autogroup(let process, _), .stopped(let process), .membership(let process, _): process
        case .file, .ioLimit, .group: nil
        }
    }
}

extension Setting {
    /// Whether a value leaves the process less than another: the agent holds back and never favours.
    func isLess(_ value: String, than other: String) -> Bool {
        switch self {
        case .nice, .autogroup:
            return (Int(value) ?? 0) > (Int(other) ?? 0)
        case .ioPriority:
            func rank(_ text: String) -> Int {
                // The class `none` goes by the nice value, which makes best-effort 4 of 0.
                text == "idle" ? 9 : text.hasPrefix("realtime") ? -1 : Int(text.split(separator: " ").last ?? "") ?? 4
            }
            return rank(value) > rank(other)
        case .affinity:
            guard let has = CPUSet(value), let wanted = CPUSet(other) else { return false }
            return has != wanted && has.isPart(of: wanted)
        case .file(let path):
            guard path.hasSuffix("/cpu.weight") || path.hasSuffix("/cpu.shares") else { return false }
            return (Int(value) ?? 0) < (Int(other) ?? 0)
        case .stopped, .ioLimit, .group, .membership:
            return false
        }
    }
}
