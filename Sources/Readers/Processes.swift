import Glibc
import Model

/// How much work the process reader may do in one tick.
public struct ProcessLimits: Sendable, Equatable {
    /// `/proc/PID/stat` files read on the round through all processes (1–65 536), at 4 to 7 µs each; passing over an idle
    /// process counts as an eighth. A host with more processes is gone through in several ticks.
    public var visitsPerTick: Int
    /// Processes that are looked at closely and reported (4–1024), at 20 µs each.
    public var detailed: Int

    /// The defaults suit a host whose `sched_tracer` does not run; with it, 64 visits a tick are plenty.
    public init(visitsPerTick: Int = 256, detailed: Int = 32) {
        self.visitsPerTick = min(max(visitsPerTick, 1), 65_536)
        self.detailed = min(max(detailed, 4), 1024)
    }
}

/// Finds the top consumers in `/proc/PID`.
///
/// Every tick it visits the processes that it is told to watch and those that were on top last time, then goes on with
/// its round through all others where it stopped; those that did nothing are visited in every fourth round. Rates are over
/// the time since a process was visited last.
struct ProcessReader: ~Copyable {
    /// What is remembered of one process.
    struct Known {
        var stat: ProcessStat
        var time: UInt64
        var round: UInt64
        /// Whether it did nothing between the last two visits.
        var isIdle = false
        /// Its stat file, or negative.
        var descriptor: Int32
        var io: (counters: ProcessIO, time: UInt64)?
        /// What children did that have ended since, as far as it was reported for them: the kernel adds a child's I/O to its
        /// parent's when the parent waits for it.
        var reaped = ProcessIO()
        var rates: ProcessIO.Rates?
        var cgroup: (path: String, time: UInt64)?
    }

    /// An open file costs 3.4 µs a visit, opening it anew 7.2; but files are not free either.
    private static let openFiles = 256
    /// Most processes of an idle host sleep for hours, and visiting them is most of what a sweep costs.
    private static let roundsPerIdleVisit: UInt64 = 4
    private static let passesPerVisit = 8
    /// 3 MB of memory; processes beyond are left out until others end.
    private static let maximumKnown = 16_384
    /// A service manager moves a new process to its cgroup after starting it.
    private static let cgroupLifetime: UInt64 = 60_000_000_000
    /// From so much resident memory on it matters how much of it is shared.
    private static let sharing: UInt64 = 16 << 20

    private let limits: ProcessLimits
    private let ticksPerSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    private let pageSize = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
    private var directory: ProcessDirectory
    private(set) var known: [Int32: Known] = [:]
    private var openCount = 0
    private var round: UInt64 = 0
    private var onTop: [Int32] = []
    private var isFirst = true

    init(root: String, limits: ProcessLimits) {
        self.limits = limits
        directory = ProcessDirectory(path: root + "/proc")
    }

    deinit { for entry in known.values where entry.descriptor >= 0 { close(entry.descriptor) } }

    /// The top consumers; `nil` the first time, when there is nothing to compare with.
    /// - Parameter swapping: whether pages come back from swap, so that it matters what each has there.
    mutating func read(
        _ buffer: inout ReadBuffer, at now: UInt64, watching: [Int32], swapping: Bool
    ) throws(ReaderError) -> [ProcessReading]? {
        var readings: [ProcessReading] = []
        let watched = Array(watching.prefix(limits.detailed))
        for pid in watched + onTop {
            if let reading = try visit(pid, &buffer, at: now) { readings.append(reading) }
        }
        var budget = limits.visitsPerTick * Self.passesPerVisit
        while budget > 0 {
            guard let pid = try directory.next() else {
                forgetVanished()
                break
            }
            if isPassedOver(pid) {
                known[pid]?.round = round
                budget -= 1
            } else {
                if let reading = try visit(pid, &buffer, at: now) { readings.append(reading) }
                budget -= Self.passesPerVisit
            }
        }
        defer { isFirst = false }
        let chosen = ProcessSelection.choose(from: readings, watching: watched, count: limits.detailed)
        onTop = chosen.map { readings[$0].identity.pid }
        var detailed: [ProcessReading] = []
        for position in chosen {
            detailed.append(try describe(readings[position], &buffer, at: now, swapping: swapping))
        }
        return isFirst ? nil : detailed
    }

    private func isPassedOver(_ pid: Int32) -> Bool {
        known[pid].map { $0.isIdle && (UInt64(pid) + round) % Self.roundsPerIdleVisit != 0 } ?? false
    }

    /// Reads the stat file of a process; `nil` if it is gone, was already visited in this tick, or was never seen before.
    private mutating func visit(
        _ pid: Int32, _ buffer: inout ReadBuffer, at now: UInt64
    ) throws(ReaderError) -> ProcessReading? {
        let before = known[pid]
        if let before, before.time == now { return nil }
        guard let (stat, descriptor) = try stat(of: pid, openAs: before?.descriptor ?? -1, &buffer) else {
            if let before, let io = before.io, known[before.stat.parent]?.io != nil {
                known[before.stat.parent]?.reaped.add(io.counters)
            }
            known[pid] = nil
            return nil
        }
        guard var entry = before, entry.stat.identity == stat.identity else {
            if before != nil || known.count < Self.maximumKnown {
                known[pid] = Known(stat: stat, time: now, round: round, descriptor: descriptor)
            } else if descriptor >= 0 {
                forget(descriptor)
            }
            return nil
        }
        let reading = stat.rates(
            since: entry.stat, seconds: Double(now - entry.time) / 1e9, ticksPerSecond: ticksPerSecond,
            pageSize: pageSize)
        entry.isIdle = stat.cpuTicks == entry.stat.cpuTicks && stat.minorFaults == entry.stat.minorFaults
        entry.stat = stat
        entry.time = now
        entry.round = round
        entry.descriptor = descriptor
        known[pid] = entry
        guard var reading else { return nil }
        if stat.session == pid, stat.hasNotExecuted, stat.parent > 1, let parent = known[stat.parent]?.stat {
            reading.workerOf = parent.processGroup
        }
        reading.take(entry.rates)
        return reading
    }

    /// Reads through the file that is open, or opens it: an open file of a process that is gone says so even if its pid
    /// has been given to another.
    private mutating func stat(
        of pid: Int32, openAs descriptor: Int32, _ buffer: inout ReadBuffer
    ) throws(ReaderError) -> (ProcessStat, descriptor: Int32)? {
        if descriptor >= 0 {
            if let bytes = buffer.readOnce(descriptor), let stat = ProcessStat(parsing: bytes) {
                return (stat, descriptor)
            }
            forget(descriptor)
            // Opening may throw, and the number is another file's by the next visit.
            known[pid]?.descriptor = -1
        }
        let fresh = try directory.open("/stat", of: pid)
        guard fresh >= 0 else { return nil }
        openCount += 1
        guard let bytes = buffer.readOnce(fresh), let stat = ProcessStat(parsing: bytes) else {
            forget(fresh)
            return nil
        }
        if openCount <= Self.openFiles { return (stat, fresh) }
        forget(fresh)
        return (stat, -1)
    }

    /// Adds what costs more to find out.
    private mutating func describe(
        _ reading: ProcessReading, _ buffer: inout ReadBuffer, at now: UInt64, swapping: Bool
    ) throws(ReaderError) -> ProcessReading {
        var reading = reading
        let pid = reading.identity.pid
        guard var entry = known[pid] else { return reading }
        let io = try directory.read("/io", of: pid, &buffer, ProcessIO.init(parsing:))
        entry.rates = nil
        if let io, let last = entry.io, now > last.time {
            entry.rates = io.without(entry.reaped, since: last.counters)
                .rates(since: last.counters, seconds: Double(now - last.time) / 1e9)
        }
        entry.io = io.map { ($0, now) }
        entry.reaped = ProcessIO()
        if reading.residentBytes >= Self.sharing,
            let shared = try directory.read("/statm", of: pid, &buffer, ProcessMemory.sharedPages(parsing:))
        {
            reading.sharedBytes = min(shared &* pageSize, reading.residentBytes)
        }
        if swapping {
            let swapped = try directory.read("/status", of: pid, &buffer, ProcessMemory.swappedBytes(parsing:))
            reading.swappedBytes = swapped ?? 0
        }
        if let cgroup = entry.cgroup, now - cgroup.time < Self.cgroupLifetime {
            reading.cgroup = cgroup.path
        } else if let path = try directory.read("/cgroup", of: pid, &buffer, CgroupPath.parse) {
            reading.cgroup = path
            entry.cgroup = (path, now)
        }
        reading.take(entry.rates)
        known[pid] = entry
        return reading
    }

    /// At the end of a round: what was not met on it has ended.
    private mutating func forgetVanished() {
        for (pid, entry) in known where entry.round != round {
            if entry.descriptor >= 0 { forget(entry.descriptor) }
            known[pid] = nil
        }
        round += 1
    }

    private mutating func forget(_ descriptor: Int32) {
        close(descriptor)
        openCount -= 1
    }
}

extension ProcessStat {
    /// What a process did since an earlier look at it.
    func rates(since earlier: ProcessStat, seconds: Double, ticksPerSecond: Double, pageSize: UInt64) -> ProcessReading?
    {
        guard seconds > 0 else { return nil }
        var growth = Growth(seconds: seconds)
        var reading = ProcessReading(identity: identity, comm: comm)
        reading.cpuShare = growth.perSecond(earlier.cpuTicks, cpuTicks) / ticksPerSecond
        reading.minorFaultsPerSecond = growth.perSecond(earlier.minorFaults, minorFaults)
        reading.majorFaultsPerSecond = growth.perSecond(earlier.majorFaults, majorFaults)
        reading.parent = parent
        reading.processGroup = processGroup
        reading.session = session
        reading.state = state
        reading.threads = threads
        reading.isKernelThread = isKernelThread
        reading.residentBytes = residentPages &* pageSize
        reading.comesLast = priority.comesLast
        return growth.wentBackwards ? nil : reading
    }
}
