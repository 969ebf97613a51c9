import ChildProcess
import Foundation
import Glibc
import Model
import Readers
import Testing

@testable import Agent

/// Changes of a real process's settings, and back. Needs root for those that take a privilege back.
@Suite(.enabled(if: getuid() == 0)) struct HostTests {
    private let host = Host()

    /// A process to be changed at will.
    private func subject() throws -> (child: ChildProcess, process: ProcessIdentity) {
        let log = FileManager.default.temporaryDirectory.appendingPathComponent("agent-\(UUID().uuidString).log")
        let child = try ChildProcess("sleep", ["100"], log: log.path)
        return (child, try #require(ProcessTable.identity(of: child.pid)))
    }

    /// Makes a change, sees it, takes it back, and sees that.
    private func thereAndBack(_ setting: Setting, _ value: String) throws {
        let before = try host.value(of: setting)
        #expect(before != value)
        let change = Change(setting, from: before, to: value)
        try host.make(change)
        #expect(try host.value(of: setting) == value)
        try host.make(change.inverse)
        #expect(try host.value(of: setting) == before)
    }

    @Test func `priorities and CPUs of a process are changed and set back`() throws {
        let (child, process) = try subject()
        defer { child.stop() }
        let thread = ThreadIdentity(process: process, tid: process.pid)
        try thereAndBack(.nice(thread), "10")
        try thereAndBack(.nice(thread), "-5")
        try thereAndBack(.ioPriority(thread), "idle")
        try thereAndBack(.ioPriority(thread), "best-effort 7")
        try thereAndBack(.affinity(thread), "1")
    }

    @Test(.enabled(if: access("/proc/self/autogroup", F_OK) == 0, "needs CONFIG_SCHED_AUTOGROUP"))
    func `the autogroup of a session is changed and set back`() throws {
        let log = FileManager.default.temporaryDirectory.appendingPathComponent("agent-\(UUID().uuidString).log")
        let shell = try ChildProcess(
            "sh", ["-c", "setsid sh -c 'sleep 101 & exec sleep 100' & echo $!; wait"], log: log.path)
        defer { shell.stop() }
        var started: Int32? { Int32(shell.output.trimmingCharacters(in: .newlines)) }
        // Until it is sleep, it is on its way to a session of its own.
        try eventually { started.flatMap { ProcessStat(pid: $0)?.comm } == "sleep" }
        let pid = try #require(started)
        let process = try #require(ProcessTable.identity(of: pid))
        let autogroup = try #require(Autogroup(pid: pid))
        let setting = Setting.autogroup(process, id: autogroup.id)
        try thereAndBack(setting, "10")
        // Whoever it was set through ends; the other one goes on with its weight.
        let change = Change(setting, from: "0", to: "10")
        try host.make(change)
        let other = try #require(host.processes().group(of: pid).first { $0.process != process }?.process.pid)
        defer { kill(other, SIGKILL) }
        kill(pid, SIGKILL)
        try eventually { ProcessStat(process) == nil }
        try host.takeBack(change)
        #expect(Autogroup(pid: other)?.nice == 0)
        kill(other, SIGKILL)
        try eventually { Autogroup(pid: other) == nil }
        #expect(throws: HostError.gone(process)) { try host.takeBack(change) }
    }

    @Test func `who is in no session has no autogroup`() throws {
        let kthreadd = try #require(ProcessTable.identity(of: 2))
        #expect(host.processes().members([kthreadd]).map(\.autogroup) == [nil])
    }

    @Test(arguments: [
        (Setting.nice(ThreadIdentity(process: ProcessIdentity(pid: 9, startTicks: 1), tid: 9)), "10", "5", true),
        (.nice(ThreadIdentity(process: ProcessIdentity(pid: 9, startTicks: 1), tid: 9)), "0", "19", false),
        (
            .ioPriority(ThreadIdentity(process: ProcessIdentity(pid: 9, startTicks: 1), tid: 9)), "idle",
            "best-effort 5", true
        ),
        (
            .ioPriority(ThreadIdentity(process: ProcessIdentity(pid: 9, startTicks: 1), tid: 9)), "none",
            "best-effort 5", false
        ),
        (.affinity(ThreadIdentity(process: ProcessIdentity(pid: 9, startTicks: 1), tid: 9)), "0", "0-3", true),
        (.affinity(ThreadIdentity(process: ProcessIdentity(pid: 9, startTicks: 1), tid: 9)), "0", "1", false),
        (.file("/sys/fs/cgroup/a/cpu.weight"), "5", "20", true), (.file("/proc/sys/vm/swappiness"), "5", "20", false),
    ])
    func `who has less already is known`(setting: Setting, has: String, wanted: String, isLess: Bool) {
        #expect(setting.isLess(has, than: wanted) == isLess)
    }

    @Test func `CPUs that went away meanwhile are no reason to keep a process from the others`() throws {
        let (child, process) = try subject()
        defer { child.stop() }
        let setting = Setting.affinity(ThreadIdentity(process: process, tid: process.pid))
        let all = try host.value(of: setting)
        try host.make(Change(setting, from: all, to: "0"))
        // No host has this one.
        try host.takeBack(Change(setting, from: all + ",8000", to: "0"))
        #expect(try host.value(of: setting) == all)
    }

    @Test func `a process is stopped and goes on`() throws {
        let (child, process) = try subject()
        defer { child.stop() }
        try thereAndBack(.stopped(process), "yes")
        #expect(child.isRunning)
    }

    @Test func `a setting of the kernel is changed and set back`() throws {
        // One that no action touches: other tests look at those.
        let file = Setting.file("/proc/sys/kernel/printk_ratelimit_burst")
        let current = try #require(Int(try host.value(of: file)))
        try thereAndBack(file, String(current == 10 ? 11 : 10))
    }

    @Test func `a process is moved into a cgroup of its own and back`() throws {
        let (child, process) = try subject()
        defer { child.stop() }
        let membership = Setting.membership(process, controller: "cpu")
        let home = try host.value(of: membership)
        let path = home + "/kernelsight-test-\(process.pid)"
        let made = Change(.group(path), from: "no", to: "yes")
        try host.make(made)
        defer { rmdir(path) }
        try thereAndBack(membership, path)
        try host.make(made.inverse)
        #expect(try host.value(of: .group(path)) == "no")
    }

    @Test func `a pid that belongs to another process now is left alone`() throws {
        let (child, process) = try subject()
        defer { child.stop() }
        let stranger = ProcessIdentity(pid: process.pid, startTicks: process.startTicks - 1)
        let thread = ThreadIdentity(process: stranger, tid: stranger.pid)
        #expect(throws: HostError.gone(stranger)) { try host.make(Change(.nice(thread), from: "0", to: "10")) }
        #expect(throws: HostError.gone(stranger)) { try host.value(of: .stopped(stranger)) }
        #expect(try host.value(of: .nice(ThreadIdentity(process: process, tid: process.pid))) == "0")
    }

    @Test func `a thread's number that belongs to another process now is left alone`() throws {
        let (child, process) = try subject()
        let (other, stranger) = try subject()
        defer {
            child.stop()
            other.stop()
        }
        let setting = Setting.nice(ThreadIdentity(process: process, tid: stranger.pid))
        #expect(throws: HostError.gone(process)) { try host.make(Change(setting, from: "0", to: "10")) }
        let nice = Setting.nice(ThreadIdentity(process: stranger, tid: stranger.pid))
        #expect(try host.value(of: nice) == "0")
    }

    @Test func `a process that has ended is gone`() throws {
        let (child, process) = try subject()
        child.stop()
        #expect(throws: HostError.gone(process)) { try host.value(of: .membership(process, controller: "cpu")) }
    }

    @Test func `what the kernel does not take, and what it takes otherwise, is said`() throws {
        let swappiness = Setting.file("/proc/sys/vm/swappiness")
        let before = try host.value(of: swappiness)
        #expect(throws: HostError.refused(swappiness, errno: EINVAL)) {
            try host.make(Change(swappiness, from: before, to: "100000"))
        }
        let (child, process) = try subject()
        defer { child.stop() }
        let thread = ThreadIdentity(process: process, tid: process.pid)
        // The kernel brings it inside the range.
        #expect(throws: HostError.notKept(.nice(thread), wanted: "30", found: "19")) {
            try host.make(Change(.nice(thread), from: "0", to: "30"))
        }
        #expect(try host.value(of: .nice(thread)) == "0", "what it was is put back")
        #expect(throws: HostError.invalid(.ioPriority(thread), value: "urgent")) {
            try host.make(Change(.ioPriority(thread), from: "none", to: "urgent"))
        }
    }
}

@Suite struct SettingValueTests {
    @Test func `CPUs are read and written as the kernel writes them`() throws {
        for text in ["0", "0-3", "0-3,8", "1,3,5-6"] { #expect(CPUSet(text)?.description == text) }
        #expect(CPUSet("2,0-1")?.description == "0-2")
        for text in ["", "x", "3-1", "0-", "-1", "0,,1", "9000"] { #expect(CPUSet(text) == nil) }
    }

    @Test func `I/O priorities have names`() throws {
        for text in ["none", "idle", "best-effort 0", "best-effort 7", "realtime 3"] {
            #expect(IOPriority(text)?.description == text)
        }
        #expect(IOPriority("best-effort 4")?.rawValue == 16_388)
        for text in ["", "best-effort", "best-effort 8", "idle 3", "urgent"] { #expect(IOPriority(text) == nil) }
    }

    @Test func `hierarchies of both versions are found in the mount table`() throws {
        let groups = Groups(
            mounts: """
                cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
                cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
                cgroup /mnt/with\\040space cgroup rw,blkio 0 0
                """)
        #expect(groups.unified == "/sys/fs/cgroup/unified")
        #expect(groups.controllers == ["cpu": "/sys/fs/cgroup/cpu,cpuacct", "blkio": "/mnt/with space"])
    }
}
